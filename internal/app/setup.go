package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"unicode/utf8"
)

// ensureAdmin makes the first administrator if the configuration names one.
func (a *App) ensureAdmin(ctx context.Context) error {
	if a.cfg.Admin.Username == "" {
		return nil
	}
	if err := a.identity.EnsureAdmin(ctx, a.cfg.Admin.Username, a.cfg.Admin.Password.Reveal()); err != nil {
		return fmt.Errorf("first administrator: %w", err)
	}
	return nil
}

// offerSetup prints a one-time link while there is no administrator. The token is also kept in a file that only the
// owner can read, for whoever cannot see the terminal. Source: THREATS, row 2.
func (a *App) offerSetup(ctx context.Context, addr net.Addr) error {
	file := a.data.file("setup-token")
	needed, err := a.identity.NeedsSetup(ctx)
	if err != nil || !needed {
		_ = os.Remove(file)
		return err
	}
	token, err := a.identity.NewBootstrap(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(token.Reveal()+"\n"), 0o600); err != nil {
		return err
	}
	box(a.stderr, "Gantry is ready. Create the first administrator (once, within 15 minutes):",
		a.baseURL(addr)+"/console/setup#token="+token.Reveal())
	return nil
}

// baseURL is where people reach the installation: as configured, else the address that it listens on.
func (a *App) baseURL(addr net.Addr) string {
	if a.cfg.PublicURL != "" {
		return strings.TrimRight(a.cfg.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// box draws a frame around lines, so that nobody overlooks them among the log.
func box(w io.Writer, lines ...string) {
	width := 0
	for _, l := range lines {
		width = max(width, utf8.RuneCountInString(l))
	}
	bar := strings.Repeat("─", width+2)
	_, _ = fmt.Fprintf(w, "┌%s┐\n", bar)
	for _, l := range lines {
		_, _ = fmt.Fprintf(w, "│ %s%s │\n", l, strings.Repeat(" ", width-utf8.RuneCountInString(l)))
	}
	_, _ = fmt.Fprintf(w, "└%s┘\n", bar)
}
