"""What a node measures of itself: samples of the system, and pure functions over them."""
