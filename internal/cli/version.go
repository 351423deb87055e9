package cli

import (
	"fmt"
	"runtime"
)

// Version and Commit are set by the linker (see Makefile).
var (
	Version = "dev"
	Commit  = "unknown"
)

type versionCommand struct{}

// Run prints what was built, from which commit, by which Go, for which machine.
func (versionCommand) Run(p Program) error {
	_, err := fmt.Fprintf(p.Stdout, "gantry %s (commit %s, %s, %s/%s)\n",
		Version, Commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
