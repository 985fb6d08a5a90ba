//! The one integration binary: each file more would link llama.cpp once more.

mod hostile;
mod imaging;
