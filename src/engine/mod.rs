//! Drives the stages: store, ingest, search, reindex, restore. The only module that knows every stage.
