// Package cli is the command line of Gantry, one file per command.
//
// It knows the configuration and nothing of what runs: cmd/gantry hands the server in as a function.
package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/gantry-ai/gantry/internal/config"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitMisused = 2 // the command line itself is wrong
)

// Program is one run of the program: what it was given and what it can start.
type Program struct {
	// Args are the arguments without the program's name.
	Args []string
	// Env is the environment in the form of os.Environ.
	Env []string
	// Stdout takes what was asked for, Stderr the log and everything else.
	Stdout, Stderr io.Writer
	// Serve runs the server until ctx ends and everything is settled. It logs to the writer.
	Serve func(ctx context.Context, c config.Config, log io.Writer) error
	// Ledger reads the books.
	Ledger Ledger
	// Providers tries out upstreams.
	Providers Providers
}

// commands is the whole command line.
type commands struct {
	Serve    serveCommand     `cmd:"" help:"Start the server."`
	Ledger   ledgerCommands   `cmd:"" help:"Look at the books."`
	Provider providerCommands `cmd:"" help:"Try out upstreams."`
	Config   configCommands   `cmd:"" help:"Look at the configuration."`
	Version  versionCommand   `cmd:"" help:"Print the version."`
}

// Run does what the arguments say and returns the exit code.
func Run(ctx context.Context, p Program) int {
	answered := false // --help has been printed
	parser, err := kong.New(&commands{},
		kong.Name("gantry"),
		kong.Description("A self-hosted AI platform: one endpoint for every model, and an exact bill for each call."),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(int) { answered = true }),
		kong.Bind(p),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return p.fail(exitMisused, err)
	}
	selected, err := parser.Parse(p.Args)
	switch {
	case answered:
		return exitOK
	case err != nil:
		return p.fail(exitMisused, err)
	}
	if err := selected.Run(); err != nil {
		return p.fail(exitFailed, err)
	}
	return exitOK
}

func (p Program) fail(code int, err error) int {
	fmt.Fprintf(p.Stderr, "gantry: %v\n", err)
	return code
}
