# Every habit of this repository. One profile (release) for all, so that llama.cpp is built once.

CARGO ?= cargo
EXAMPLES = models/demo/examples
CONSTITUTION = constitutions/demo.yaml
PRAETOR = target/release/praetor

.DEFAULT_GOAL := help
.PHONY: help setup build demo test lint fmt bench performance same-judge memory report deny docs review demo-model instruct-model figures ablation compare-demo robustness unsafebench classifiers sheet ci native portable

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:
	@tools/setup.sh

build: setup ## Build praetor (the first time takes about ten minutes: llama.cpp)
	$(CARGO) build --release --locked

demo: build ## Judge the example pictures with the built-in model, and explain one of them
	@echo
	$(PRAETOR) judge $(EXAMPLES) --constitution $(CONSTITUTION) --format table || test $$? -eq 1
	@echo
	$(PRAETOR) explain $(EXAMPLES)/child-and-knife.png --constitution $(CONSTITUTION)

report: build ## Judge the example pictures, and write the report of that run: target/report/report.html
	rm -rf target/report
	$(PRAETOR) judge $(EXAMPLES) -c $(CONSTITUTION) --trace --out target/report || test $$? -eq 1
	$(PRAETOR) report target/report

test: setup instruct-model ## Run all tests
	$(CARGO) test --release --locked

lint: setup ## Formatting, clippy with warnings denied, and the library without the engine
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	$(CARGO) check --release --locked --no-default-features --lib

fmt: ## Format the code
	$(CARGO) fmt

bench: build ## The benchmarks, as ratios measured side by side
	$(CARGO) bench --locked --bench engine --bench settings --bench jobs --bench encoder --bench impact

performance: build ## Beside llama-server and llama-bench, on three models: docs/performance.md (half an hour)
	benches/peers/setup.sh
	$(CARGO) bench --locked --bench peers

same-judge: build ## The demo model in process beside itself behind llama-server: do they agree? (docs/remote.md)
	benches/peers/setup.sh server
	tools/same-judge.sh

deny: ## Licences, banned and duplicate crates, sources
	$(CARGO) deny check licenses bans sources

docs: ## Refresh what is generated: JSON Schemas in docs/
	UPDATE_SCHEMAS=1 $(CARGO) test --release --locked schema

review: ## Review changed snapshots
	$(CARGO) insta review

instruct-model: setup ## Fetch the small language model that a test compiles a rule with (98 MB)
	@tools/instruct-model.sh

classifiers: setup ## Hold praetor's classifiers against others' code (fetches 39 MB; feature onnx)
	@tools/nudenet/fetch.sh
	$(CARGO) clippy --release --locked --all-targets --features onnx -- -D warnings
	$(CARGO) test --release --locked --features onnx --test it -- nudenet classifiers

demo-model: ## Train the built-in model anew (about two hours on two cores)
	tools/demo-model/make.sh

figures: build ## The model card's figures, measured through praetor
	tools/demo-model/figures.sh

ablation: build ## What each stage adds, beside the paper's baselines: docs/evaluation.md
	tools/demo-model/ablation.sh

unsafebench: build ## The scenes in UnsafeBench's layout: F1 by category and source, and the gap
	tools/unsafebench.sh

compare-demo: build ## Two ways of judging beside each other: docs/compare.md
	$(PRAETOR) compare demo demo+prior-knowledge --images $(EXAMPLES) --constitution $(CONSTITUTION)

robustness: build ## Do verdicts stay when the example pictures are compressed, scaled, cropped? (docs/robustness.md)
	$(PRAETOR) robustness $(EXAMPLES) -c $(CONSTITUTION) || test $$? -eq 1

memory: build ## Is memory flat over 50,000 images?
	benches/memory.sh

sheet: build ## The picture in the README (needs Pillow)
	$(PRAETOR) judge $(EXAMPLES) -c $(CONSTITUTION) --format jsonl --quiet \
		| tools/contact_sheet.py docs/images/demo.png

ci: lint test ## What CI runs

native: setup ## Build for this processor only (AVX-512 where there is); see docs/models.md
	RUSTFLAGS="-C target-cpu=native" $(CARGO) build --release --locked --target-dir target/native

portable: setup ## Build for every x86-64 processor, without AVX; several times slower
	GGML_AVX=OFF GGML_AVX2=OFF GGML_FMA=OFF GGML_F16C=OFF GGML_BMI2=OFF \
		$(CARGO) build --release --locked --target-dir target/portable
