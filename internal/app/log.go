package app

import (
	"io"
	"log/slog"

	"github.com/gantry-ai/gantry/internal/config"
)

// newLogger writes to w in the configured form. Secrets are safe by their type: secret.String prints itself masked.
func newLogger(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}
