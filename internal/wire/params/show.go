package params

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxShown is how much of a value a log of changes shows, in bytes.
const maxShown = 80

// secretNames are parts of names whose values nobody is shown. "token" is not among them: max_tokens is no secret.
var secretNames = []string{
	"secret", "password", "passwd", "authorization", "api_key", "apikey", "api-key", "access_token", "accesstoken",
	"credential", "cookie", "signature", "private",
}

// show shortens a value for people. Containers are told by their size: what is in them may be anything.
func show(path string, value []byte) string {
	switch {
	case isSecret(path, value):
		return "***"
	case value[0] == '{' || value[0] == '[':
		return fmt.Sprintf("(%s of %d bytes)", kindOf(value), len(value))
	case len(value) <= maxShown:
		return string(value)
	}
	cut := maxShown
	for cut > 0 && !utf8.RuneStart(value[cut]) {
		cut--
	}
	return string(value[:cut]) + "…"
}

// isSecret goes by the name, and by how keys and signed addresses look.
func isSecret(path string, value []byte) bool {
	lower := strings.ToLower(path)
	for _, name := range secretNames {
		if strings.Contains(lower, name) {
			return true
		}
	}
	s := string(value[:min(len(value), 16)])
	return strings.HasPrefix(s, `"sk-`) || strings.HasPrefix(s, `"Bearer `) || strings.HasPrefix(s, `"http`) || strings.HasPrefix(s, `"data:`)
}
