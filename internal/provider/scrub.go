package provider

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxMessage is how much of an upstream's message is kept, in bytes.
const maxMessage = 500

// What upstreams are known to repeat in messages: keys (also shortened ones), tokens, ids of their accounts, addresses.
var confidential = []*regexp.Regexp{
	regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://\S+`),
	regexp.MustCompile(`(?i)\bbearer\s+\S+`),
	regexp.MustCompile(`\b(?:sk|pk|rk|ek|gsk|xai|ak|key|bce)[-_][A-Za-z0-9_*./-]{4,}`),
	regexp.MustCompile(`(?:sk|gsk|xai)-[A-Za-z0-9_-]{16,}`), // also where it is glued to a word
	regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{8,}`),
	regexp.MustCompile(`\b(?:org|proj|project|acct|account|team|ws|user)[-_][A-Za-z0-9]{6,}`),
	regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`),
	regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`),
}

// Scrub makes an upstream's message safe to show: keys, tokens, account ids, addresses and the given secrets become ***,
// control characters become spaces, and a long message is cut.
func Scrub(message string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			message = strings.ReplaceAll(message, s, "***")
		}
	}
	message = strings.Map(printable, message)
	for _, pattern := range confidential {
		message = pattern.ReplaceAllString(message, "***")
	}
	return strings.TrimSpace(cut(message, maxMessage))
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r == utf8.RuneError {
		return ' '
	}
	return r
}

// cut shortens s to n bytes at most, at the border of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// CleanCode makes an upstream's error code safe to store and show: a short word, or nothing.
func CleanCode(code string) string {
	if len(code) > 64 {
		return ""
	}
	for _, c := range []byte(code) {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return Scrub(code)
}
