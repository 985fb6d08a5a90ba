//! praetor from outside: one binary, so that llama.cpp is linked once.

#[cfg(test)]
mod constitutions;
#[cfg(test)]
mod policy;
