"""Games in which agents deal with each other over money: pure rules, and the theory that stands beside their scores."""
