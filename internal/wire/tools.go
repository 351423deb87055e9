package wire

import "strings"

// ToolRules are what upstreams of a format take of tools that callers run. The zero value takes anything but free text.
type ToolRules struct {
	// LongestName is in bytes; 0: names may be anything.
	LongestName int
	// Beyond are the characters that names may have beside ASCII letters, digits, "_" and "-".
	Beyond string
	// LetterFirst says that names begin with a letter or "_".
	LetterFirst bool
	// Custom says that tools may take free text instead of JSON.
	Custom bool
}

// Takes reports whether a tool can have this name.
func (r *ToolRules) Takes(name string) bool {
	if r.LongestName == 0 {
		return true
	}
	if len(name) > r.LongestName || r.LetterFirst && name != "" && !isLetter(name[0]) && name[0] != '_' {
		return false
	}
	for i := range len(name) {
		if !r.takesByte(name[i]) {
			return false
		}
	}
	return name != ""
}

// Clean is a name with "_" for everything that names cannot have; it may be too long.
func (r *ToolRules) Clean(name string) string {
	clean := strings.Map(func(c rune) rune {
		if c < 0x80 && r.takesByte(byte(c)) { //nolint:gosec // it is below
			return c
		}
		return '_'
	}, name)
	if r.LetterFirst && clean != "" && !isLetter(clean[0]) {
		return "_" + clean
	}
	return clean
}

func (r *ToolRules) takesByte(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || c == '_' || c == '-' || strings.IndexByte(r.Beyond, c) >= 0
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
