//! ZIP packages and the XML in them, within limits.
