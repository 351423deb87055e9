// Package secret keeps secrets out of logs and out of the database in plain text.
package secret

import "log/slog"

// String is a text that never prints itself: fmt, JSON and slog show "***". Reveal gives the text.
type String struct{ text string }

// New wraps a text.
func New(text string) String { return String{text} }

// Reveal returns the text. Call it only where the secret goes out to whom it is meant for.
func (s String) Reveal() string { return s.text }

// IsZero reports whether there is no secret.
func (s String) IsZero() bool { return s.text == "" }

// Preview returns a mask that shows the last four characters of a long secret, for people to tell secrets apart.
func (s String) Preview() string {
	if len(s.text) < 12 {
		return "****"
	}
	return "****" + s.text[len(s.text)-4:]
}

const mask = "***"

// String returns the mask.
func (s String) String() string { return mask }

// GoString returns the mask.
func (s String) GoString() string { return mask }

// MarshalText returns the mask.
func (s String) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalText takes the text in.
func (s *String) UnmarshalText(b []byte) error { s.text = string(b); return nil }

// LogValue returns the mask.
func (s String) LogValue() slog.Value { return slog.StringValue(mask) }
