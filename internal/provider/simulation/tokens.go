package simulation

// maxPiece is how many letters a token has at most.
const maxPiece = 6

// cut takes a text apart into the engine's tokens: a word with the space before it, in pieces of six letters; each
// character above ASCII; each mark. The pieces together are the text.
func cut(text string) []string {
	out := make([]string, 0, len(text)/4+1)
	start, letters := 0, 0
	for i, r := range text {
		if i > start && (breaks(r) || letters == maxPiece) {
			out = append(out, text[start:i])
			start, letters = i, 0
		}
		letters++
		if r == ' ' {
			letters = 0
		} else if breaks(r) {
			letters = maxPiece
		}
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// breaks reports whether a token ends before r. A space begins a word, everything but letters and digits stands alone.
func breaks(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '\'')
}

// count returns the number of tokens of a text.
func count(text string) int {
	return len(cut(text))
}
