package arch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// LoadGraph lists the packages of the module that dir lies in, for this machine and without build tags.
func LoadGraph(dir string) (Graph, error) {
	list := exec.Command("go", "list", "-json=ImportPath,Imports", Module+"...")
	list.Dir = dir
	output, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w%s", err, stderr(err))
	}
	return readGraph(json.NewDecoder(strings.NewReader(string(output))))
}

func readGraph(packages *json.Decoder) (Graph, error) {
	g := Graph{}
	for {
		var p struct {
			ImportPath string   `json:"ImportPath"`
			Imports    []string `json:"Imports"`
		}
		switch err := packages.Decode(&p); {
		case errors.Is(err, io.EOF):
			return g, nil
		case err != nil:
			return nil, fmt.Errorf("answer of go list: %w", err)
		}
		imports := []string{}
		for _, imported := range p.Imports {
			imports = append(imports, strings.TrimPrefix(imported, Module))
		}
		g[strings.TrimPrefix(p.ImportPath, Module)] = imports
	}
}

// stderr is what a command said before it failed.
func stderr(err error) string {
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return "\n" + string(failed.Stderr)
	}
	return ""
}
