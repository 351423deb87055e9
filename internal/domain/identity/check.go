package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

const (
	minUsername = 3
	maxUsername = 64
	maxEmail    = 254
	maxName     = 128
	maxKey      = 64
	maxExternal = 255
	maxPhone    = 32
	maxURL      = 2048

	maxDescription = 1024
)

// checkKey wants 1 to 64 lower-case letters, digits, dots, dashes or underscores.
func checkKey(path, s string) error {
	if s == "" || len(s) > maxKey || strings.ContainsFunc(s, func(r rune) bool { return notUsername(r) || unicode.IsUpper(r) }) {
		return fault.ErrInvalid.Saying("A key has 1 to 64 lower-case letters, digits, dots, dashes or underscores.").At(path)
	}
	return nil
}

// checkName wants a name.
func checkName(s string) error {
	if s == "" {
		return fault.ErrInvalid.Saying("A name is needed.").At("name")
	}
	return CheckText("name", s, maxName)
}

// checkStatus wants one that people may set.
func checkStatus(s Status) error {
	if s != Active && s != Disabled {
		return fault.ErrInvalid.Saying("A status is active or disabled.").At("status")
	}
	return nil
}

// checkUsername wants 3 to 64 letters, digits, dots, dashes or underscores.
func checkUsername(s string) error {
	if len(s) < minUsername || len(s) > maxUsername || strings.ContainsFunc(s, notUsername) {
		return fault.ErrInvalid.Saying("A user name has 3 to 64 letters, digits, dots, dashes or underscores.").At("username")
	}
	return nil
}

func notUsername(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
}

// checkEmail accepts none, and what a mail server would at least try; only a mail that arrives proves more.
func checkEmail(s string) error {
	local, host, ok := strings.Cut(s, "@")
	bad := !ok || local == "" || host == "" || len(s) > maxEmail || strings.Contains(host, "@") ||
		strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	if s != "" && bad {
		return fault.ErrInvalid.Saying("This is not an e-mail address.").At("email")
	}
	return nil
}

// CheckText refuses a text that is longer than limit characters, is not UTF-8, or holds control characters: databases
// and logs disagree about those.
func CheckText(path, s string, limit int) error {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
		return fault.ErrInvalid.Saying("The text is too long or holds control characters.").At(path)
	}
	return nil
}

// firstError returns the first error that is not nil.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
