//! Each Arrow type and its JSON.
