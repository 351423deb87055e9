// Command gantry is the whole platform in one program; see `gantry --help`.
package main

import (
	"context"
	"io"
	"os"

	"github.com/gantry-ai/gantry/internal/app"
	"github.com/gantry-ai/gantry/internal/cli"
	"github.com/gantry-ai/gantry/internal/config"
)

func main() {
	os.Exit(cli.Run(context.Background(), cli.Program{
		Args:   os.Args[1:],
		Env:    os.Environ(),
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Serve: func(ctx context.Context, cfg config.Config, stderr io.Writer) error {
			app.EaseTimers(cfg)
			app.EnlargePages()
			return app.Serve(ctx, cfg, stderr, cli.Version)
		},
		Ledger:    cli.Ledger{Verify: verifyLedger, Statement: ledgerStatement, Repair: repairLedger},
		Providers: cli.Providers{Test: testProvider, TestPlatform: testPlatform, Names: app.ProviderNames},
	}))
}
