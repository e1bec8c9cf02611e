//! What must hold across rooms.
