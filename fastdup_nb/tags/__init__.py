"""Decisions about images: durable, undoable, in one append-only history."""
