"""Black-box tests of what goes beyond the conformance kit: real programs, bad input, privileges, idleness."""
