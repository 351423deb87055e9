package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

type serveCommand struct{ settings }

// Run serves until a signal asks it to stop. A second signal ends the process at once.
func (c serveCommand) Run(ctx context.Context, p Program) error {
	if p.Serve == nil {
		return errors.New("this build has no server")
	}
	settled, _, err := c.load(p)
	if err != nil {
		return fmt.Errorf("configuration:\n%w", err)
	}
	settled.Log.Format = logFormat(settled.Log.Format, p.Stderr)
	ctx, stop := stopOnSignal(ctx, p.Stderr)
	defer stop()
	return p.Serve(ctx, settled, p.Stderr)
}

// logFormat turns "auto" into what suits the reader: text for a person at a terminal, JSON for a collector.
func logFormat(format string, w io.Writer) string {
	switch {
	case format != "auto":
		return format
	case isTerminal(w):
		return "text"
	default:
		return "json"
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && file.Name() != os.DevNull
}
