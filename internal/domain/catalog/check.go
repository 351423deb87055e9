package catalog

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxKey      = 64
	maxName     = 128
	maxLongKey  = 256
	maxURL      = 2048
	maxDocument = 64 << 10
)

func checkText(path, s string, limit int) error {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
		return invalid(path, "The text is too long or holds control characters.")
	}
	return nil
}

// checkName wants a text that says something.
func checkName(path, s string) error {
	if strings.TrimSpace(s) == "" {
		return invalid(path, "This is required.")
	}
	return checkText(path, s, maxName)
}

// checkKey wants what others refer to: letters, digits and . _ - alone.
func checkKey(path, s string) error {
	bad := func(r rune) bool {
		return !strings.ContainsRune("._-", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	switch {
	case s == "":
		return invalid(path, "This is required.")
	case len(s) > maxKey || strings.ContainsFunc(s, bad):
		return invalid(path, "A key has at most 64 letters, digits and . _ -")
	}
	return nil
}

// checkModelName wants what can stand in a request, a URL and a log line: no spaces, no control characters.
func checkModelName(path, s string, limit int) error {
	switch {
	case s == "":
		return invalid(path, "This is required.")
	case checkText(path, s, limit) != nil || strings.ContainsFunc(s, unicode.IsSpace):
		return invalid(path, "The name is too long or holds spaces.")
	}
	return nil
}

// checkBaseURL wants nothing, or an absolute URL without user, query and fragment.
func checkBaseURL(path, s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return invalid(path, "This is to be an http or https URL without user, query and fragment.")
	}
	return nil
}

// checkIcon wants nothing, a path at this server, or a picture elsewhere by https: what a page may show.
func checkIcon(path, s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	local := err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(s, "/")
	if len(s) > maxURL || checkText(path, s, maxURL) != nil || !local && (err != nil || u.Scheme != "https" || u.Host == "") {
		return invalid(path, "This is to be a path that begins with / or an https URL.")
	}
	return nil
}

func checkOneOf(path, s string, words ...string) error {
	if slices.Contains(words, s) {
		return nil
	}
	return invalid(path, "This is to be one of: "+strings.Join(words, ", ")+".")
}

// checkDocument wants an object of any members.
func checkDocument(path string, raw json.RawMessage) error {
	if len(raw) > maxDocument {
		return invalid(path, "The object is too large.")
	}
	_, err := readObject(path, raw)
	return err
}

// checkMetadata also looks at what pages show of it.
func checkMetadata(path string, raw json.RawMessage) error {
	if err := checkDocument(path, raw); err != nil {
		return err
	}
	shown, err := ReadShown(raw)
	if err != nil {
		return prefixed(path, err)
	}
	return firstError(checkIcon(path+".iconPath", shown.IconPath), checkText(path+".description", shown.Description, maxURL))
}

// Shown is what pages show of metadata.
type Shown struct {
	IconPath    string `json:"iconPath"`
	Description string `json:"description"`
}

// ReadShown reads what pages show of metadata. Code: invalid_parameter.
func ReadShown(metadata json.RawMessage) (out Shown, err error) {
	if len(metadata) > 0 && json.Unmarshal(metadata, &out) != nil {
		return Shown{}, invalid("", "The icon and the description are to be texts.")
	}
	return out, nil
}
