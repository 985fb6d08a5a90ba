"""A graph of ONNX, and CLIP's image tower in it."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from checkpoints import Refused

OPSET = 17


class Graph:
    """Nodes and weights; every operation gives the name of its result. Weights are kept once: they are large."""

    def __init__(self):
        opset = [helper.make_opsetid("", OPSET)]
        empty = helper.make_graph([], "classifier", [], [])
        self.model = helper.make_model(empty, opset_imports=opset, ir_version=8, producer_name="praetor")

    def weight(self, array):
        kept = self.model.graph.initializer
        name = f"w{len(kept)}"
        kept.add().CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind, *inputs, **attributes):
        """One node; arrays and numbers among its inputs become weights."""
        named = [x if isinstance(x, str) else self.weight(np.asarray(x, getattr(x, "dtype", np.float32))) for x in inputs]
        nodes = self.model.graph.node
        result = f"n{len(nodes)}"
        nodes.append(helper.make_node(kind, named, [result], **attributes))
        return result

    def shaped(self, x, *shape):
        return self.op("Reshape", x, np.array(shape, np.int64))

    def linear(self, x, weight, bias=None):
        """PyTorch's `Linear`: its weight is outputs by inputs."""
        product = self.op("MatMul", x, weight.T)
        return product if bias is None else self.op("Add", product, bias)

    def unit(self, x):
        """Each row made of length one."""
        return self.op("Div", x, self.op("ReduceL2", x, axes=[-1], keepdims=1))

    def save(self, path, side, result, numbers, about):
        last = self.shaped(result, 1, numbers)
        graph = self.model.graph
        graph.input.append(helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, side, side]))
        graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, numbers]))
        self.model.doc_string = about
        onnx.save(self.model, path)


def tower(graph, read, config):
    """CLIP's image tower: from the input `pixels` to what is projected, 1 by the tower's width.

    `read` has the names of Hugging Face's `CLIPVisionTransformer`, and `config` is its configuration; what that
    leaves out is as OpenAI's models have it. Gives also the width, and the side of a picture in pixels.
    """
    embeddings = read.under("embeddings.")
    first = embeddings.get("class_embedding", None)
    width = len(first)
    patches = embeddings.get("patch_embedding.weight", width, 3, None, None)
    patch = patches.shape[-1]
    positions = embeddings.get("position_embedding.weight", None, width)
    along = round((len(positions) - 1) ** 0.5)
    if along**2 != len(positions) - 1 or patches.shape[-2] != patch:
        raise Refused(f"{read.path}: {len(positions)} positions of patches of {patches.shape[-2:]} are no square and one")
    heads = config.get("num_attention_heads", max(width // 64, 1))
    if width % heads:
        raise Refused(f"{read.path}: a width of {width} is not shared out among {heads} heads")
    bend = {"quick_gelu": quick_gelu, "gelu": gelu}.get(config.get("hidden_act", "quick_gelu"))
    if bend is None:
        raise Refused(f"{read.path}: its configuration has the activation `{config['hidden_act']}`, which is not known here")
    small = float(config.get("layer_norm_eps", 1e-5))

    def norm(x, part):
        return graph.op("LayerNormalization", x, part.get("weight", width), part.get("bias", width), axis=-1, epsilon=small)

    def linear(x, part, outputs, inputs):
        return graph.linear(x, part.get("weight", outputs, inputs), part.get("bias", outputs))

    def attention(x, part):
        def split(name, order):
            parts = graph.shaped(linear(x, part.under(name), width, width), 1, -1, heads, width // heads)
            return graph.op("Transpose", parts, perm=order)

        query, key = split("q_proj.", [0, 2, 1, 3]), split("k_proj.", [0, 2, 3, 1])
        near = graph.op("Mul", graph.op("MatMul", query, key), (width // heads) ** -0.5)
        seen = graph.op("MatMul", graph.op("Softmax", near, axis=-1), split("v_proj.", [0, 2, 1, 3]))
        joined = graph.shaped(graph.op("Transpose", seen, perm=[0, 2, 1, 3]), 1, -1, width)
        return linear(joined, part.under("out_proj."), width, width)

    def network(x, part):
        inner = len(part.get("fc1.bias", None))
        return linear(bend(graph, linear(x, part.under("fc1."), inner, width)), part.under("fc2."), width, inner)

    x = graph.op("Conv", "pixels", patches, strides=[patch, patch])
    x = graph.op("Transpose", graph.shaped(x, 1, width, -1), perm=[0, 2, 1])
    x = graph.op("Concat", first.reshape(1, 1, width), x, axis=1)
    x = norm(graph.op("Add", x, positions), read.under("pre_layrnorm."))
    layers = 0
    while f"encoder.layers.{layers}.layer_norm1.weight" in read:
        layer = read.under(f"encoder.layers.{layers}.")
        x = graph.op("Add", x, attention(norm(x, layer.under("layer_norm1.")), layer.under("self_attn.")))
        x = graph.op("Add", x, network(norm(x, layer.under("layer_norm2.")), layer.under("mlp.")))
        layers += 1
    if layers == 0 or layers != config.get("num_hidden_layers", layers):
        raise Refused(f"{read.path}: {layers} layers are there, and {config.get('num_hidden_layers', 'some')} were expected")
    x = graph.op("Gather", x, np.array(0, np.int64), axis=1)
    return norm(x, read.under("post_layernorm.")), width, along * patch


def quick_gelu(graph, x):
    return graph.op("Mul", x, graph.op("Sigmoid", graph.op("Mul", x, 1.702)))


def gelu(graph, x):
    share = graph.op("Add", graph.op("Erf", graph.op("Mul", x, 0.5**0.5)), 1.0)
    return graph.op("Mul", graph.op("Mul", x, share), 0.5)
