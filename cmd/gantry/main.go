// Command gantry is the whole platform in one program; see `gantry --help`.
package main

import (
	"context"
	"os"

	"github.com/gantry-ai/gantry/internal/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), cli.Program{
		Args:   os.Args[1:],
		Env:    os.Environ(),
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Serve:  nil,
	}))
}
