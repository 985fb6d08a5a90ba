//! Conversations about one view or none, decoded as parallel sequences that share its image and the
//! words with which they begin.
//!
//! Every step takes the likeliest token that the form allows, one for each conversation that has
//! not ended, and evaluates them as one batch.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use super::chat::Prompt;
use super::engine::{Engine, NO_NUMBERS, NOTHING_AFTER_IMAGE, count};
use super::ffi::Batch;
use super::tree::{End, Tree};
use super::trunk::Trunk;
use crate::imaging::View;
use crate::verdict::Why;
use crate::vlm::chat::{Form, Generate, Reply, Turn, loops};

/// A conversation that goes on.
struct Speaker {
    /// Which of the conversations.
    index: usize,
    sequence: u32,
    position: i32,
    /// Where in the last batch its logits are.
    logits_at: usize,
    said: Vec<LlamaToken>,
    grammar: Option<LlamaSampler>,
}

impl Engine<'_> {
    /// What the model says next in each conversation.
    pub(super) fn talk(
        &mut self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Vec<Reply> {
        let mut replies: Vec<Option<Reply>> = vec![None; conversations.len()];
        if let Err(why) = self.try_talk(view, conversations, generate, &mut replies) {
            for reply in replies.iter_mut().filter(|reply| reply.is_none()) {
                *reply = Some(Reply::Unavailable(why.clone()));
            }
        }
        let unasked = || Reply::Unavailable(Why::failed("the conversation was not held"));
        let replies: Vec<Reply> =
            replies.into_iter().map(|reply| reply.unwrap_or_else(unasked)).collect();
        self.forget_what_is_no_number(replies.iter().filter_map(Reply::unavailable));
        replies
    }

    fn try_talk(
        &mut self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
        replies: &mut [Option<Reply>],
    ) -> Result<(), Why> {
        let grammar = grammar_of(&generate.form)?;
        let prompts = conversations
            .iter()
            .map(|turns| self.chat.conversation(view.is_some(), turns).map_err(Why::failed))
            .collect::<Result<Vec<Prompt>, Why>>()?;
        let Some(first) = prompts.first() else { return Ok(()) };
        let tails: Vec<Vec<LlamaToken>> =
            prompts.iter().map(|prompt| self.tokens(&prompt.tail)).collect();
        let most = generate.most_tokens as usize;
        let wanted: usize = tails.iter().map(|tail| tail.len() + most).sum();
        let trunk = self.trunk(view, &first.head, count(wanted))?;

        let mut waiting: Vec<usize> = Vec::new();
        for (index, tail) in tails.iter().enumerate() {
            let fits = self
                .check_text(trunk.end, tail.len())
                .and_then(|()| self.check_room(trunk.end.advance(tail.len() + most)));
            match fits {
                Ok(()) if tail.is_empty() => {
                    replies[index] = Some(Reply::Unavailable(Why::failed(NOTHING_AFTER_IMAGE)));
                }
                Ok(()) => waiting.push(index),
                Err(why) => replies[index] = Some(Reply::Unavailable(why)),
            }
        }
        let mut waiting = waiting.as_slice();
        while !waiting.is_empty() {
            let (group, rest) = waiting.split_at(self.first_group(waiting, &tails, most));
            let tree = Tree::of(group.iter().map(|&index| (index, tails[index].as_slice())));
            let speakers = self.prefill(&trunk, &tree, &tails, grammar.as_deref());
            let held = speakers.and_then(|speakers| self.hold(speakers, generate.most_tokens));
            self.drop_forks(&tree);
            for (index, reply) in held? {
                replies[index] = Some(reply);
            }
            waiting = rest;
        }
        Ok(())
    }

    /// How many of the waiting conversations fit every limit at once; at least one.
    fn first_group(&self, waiting: &[usize], tails: &[Vec<LlamaToken>], most: usize) -> usize {
        let room = self.limits.cells.saturating_sub(self.trunks.cells()) as usize;
        let (mut cells, mut batch) = (0, 0);
        let fits = |&&index: &&usize| {
            cells += tails[index].len() + most;
            batch += tails[index].len();
            cells <= room && batch <= self.limits.batch as usize
        };
        let fitting = waiting.iter().take(self.limits.forks as usize).take_while(fits).count();
        fitting.max(1)
    }

    /// Holds a group of conversations to their ends.
    fn hold(&mut self, mut speakers: Vec<Speaker>, most: u32) -> Result<Vec<(usize, Reply)>, Why> {
        let mut held = Vec::new();
        while !speakers.is_empty() {
            let mut batch = Batch::of(speakers.len());
            let mut going_on = Vec::new();
            for mut speaker in speakers {
                match speaker.speak(self.model, self.logits(speaker.logits_at), most) {
                    Heard::Next(token) => {
                        speaker.logits_at = batch.add(
                            token,
                            speaker.position,
                            speaker.sequence..=speaker.sequence,
                            true,
                        );
                        speaker.position += 1;
                        going_on.push(speaker);
                    }
                    Heard::End(reply) => held.push((speaker.index, reply)),
                }
            }
            speakers = going_on;
            if !speakers.is_empty() {
                self.context.decode(&mut batch).map_err(Why::failed)?;
            }
        }
        Ok(held)
    }

    /// Evaluates what was said so far, each conversation in a fork of the image where there is one.
    fn prefill(
        &mut self,
        trunk: &Trunk,
        tree: &Tree<'_>,
        tails: &[Vec<LlamaToken>],
        grammar: Option<&str>,
    ) -> Result<Vec<Speaker>, Why> {
        let speaker = |end: End| {
            let grammar = grammar
                .map(|text| LlamaSampler::grammar(self.model, text, "root").map_err(Why::failed))
                .transpose()?;
            let said = trunk.end.advance(tails[end.text].len());
            Ok(Speaker {
                index: end.text,
                sequence: end.sequence,
                position: said.position,
                logits_at: end.index,
                said: Vec::new(),
                grammar,
            })
        };
        self.decode_tree(trunk, tree)?.into_iter().map(speaker).collect()
    }
}

/// What one step brought.
enum Heard {
    /// A token, which the conversation goes on from.
    Next(LlamaToken),
    /// The reply is whole, or can't be had.
    End(Reply),
}

impl Speaker {
    /// Takes the likeliest token that is allowed.
    fn speak(&mut self, model: &LlamaModel, logits: Result<&[f32], Why>, most: u32) -> Heard {
        let unavailable = |why| Heard::End(Reply::Unavailable(why));
        let token = match logits.and_then(|logits| self.likeliest(logits)) {
            Ok(token) => token,
            Err(why) => return unavailable(why),
        };
        if model.vocab().is_eog(token) {
            return Heard::End(Reply::Said(self.text(model)));
        }
        self.said.push(token);
        if loops(&self.said) {
            return unavailable(Why::Looping);
        }
        if count(self.said.len()) >= most {
            return unavailable(Why::Overlong { limit: most });
        }
        Heard::Next(token)
    }

    fn likeliest(&mut self, logits: &[f32]) -> Result<LlamaToken, Why> {
        let Some(favourite) = largest(logits.iter().copied()) else {
            return Err(Why::failed(NO_NUMBERS));
        };
        let Some(grammar) = &mut self.grammar else { return Ok(favourite) };
        // Most often the form allows what the model wants; only otherwise is it put to every token.
        let mut one = candidates([(favourite, logits[0])]);
        one.apply_sampler(grammar);
        let token = if one.data.first().is_some_and(|only| only.logit().is_finite()) {
            favourite
        } else {
            let all = (0..).map(LlamaToken::new).zip(logits.iter().copied());
            let mut all = candidates(all);
            all.apply_sampler(grammar);
            largest(all.data.iter().map(LlamaTokenData::logit))
                .ok_or_else(|| Why::failed("the model has no token that the form allows"))?
        };
        // A token that the form does not allow would be thrown out of llama.cpp, through C.
        grammar.try_accept(token).map_err(Why::failed)?;
        Ok(token)
    }

    fn text(&self, model: &LlamaModel) -> String {
        let vocab = model.vocab();
        let pieces = self.said.iter().map(|token| vocab.token_to_piece(*token, false, None));
        let bytes: Vec<u8> = pieces.flatten().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

fn candidates(tokens: impl IntoIterator<Item = (LlamaToken, f32)>) -> LlamaTokenDataArray {
    let data = tokens.into_iter().map(|(token, logit)| LlamaTokenData::new(token, logit, 0.0));
    LlamaTokenDataArray::from_iter(data, false)
}

/// The token with the largest logit; the first of equals, and none without a finite one.
fn largest(logits: impl Iterator<Item = f32>) -> Option<LlamaToken> {
    let finite = (0..).zip(logits).filter(|(_, logit)| logit.is_finite());
    let best = finite.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(index, _)| LlamaToken::new(index))
}

/// The form as a grammar of llama.cpp.
fn grammar_of(form: &Form) -> Result<Option<String>, Why> {
    match form {
        Form::Free => Ok(None),
        Form::Json(schema) => {
            llama_cpp_2::json_schema_to_grammar(&schema.to_string()).map(Some).map_err(Why::failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_finite_logit_wins_and_the_first_of_equals() {
        let pick = |logits: &[f32]| largest(logits.iter().copied()).map(|token| token.0);
        assert_eq!(pick(&[0.0, 3.0, f32::NAN, 3.0]), Some(1));
        assert_eq!(pick(&[f32::NEG_INFINITY, f32::NAN]), None);
    }

    #[test]
    fn a_schema_becomes_a_grammar() {
        let schema = serde_json::json!({
            "type": "object",
            "properties": { "rating": { "enum": ["Yes", "No"] } },
            "required": ["rating"],
        });
        let grammar = grammar_of(&Form::Json(schema)).unwrap().unwrap();
        assert!(grammar.contains("rating"), "{grammar}");
        assert_eq!(grammar_of(&Form::Free).unwrap(), None);
    }
}
