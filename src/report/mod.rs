//! Stage 8: hits go in; what people and programs read comes out, with nothing raw from a log in it.
