package cli

import (
	"fmt"
	"maps"
	"strings"

	"github.com/gantry-ai/gantry/internal/config"
)

// settings are the flags of every command that reads the configuration.
type settings struct {
	Config string            `short:"c" type:"path" placeholder:"FILE" help:"YAML file with settings; else the one that $$GANTRY_CONFIG names."`
	Data   string            `placeholder:"DIR" help:"Data directory."`
	Addr   string            `placeholder:"HOST:PORT" help:"Address to serve on."`
	Set    map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"Any setting of docs/configuration.md; may be repeated."`
}

// load reads the configuration and tells the user of variables that set nothing.
func (s settings) load(p Program) (config.Config, config.Report, error) {
	flags := maps.Clone(s.Set)
	if flags == nil {
		flags = map[string]string{}
	}
	for name, value := range map[string]string{"data": s.Data, "addr": s.Addr} {
		if value != "" {
			flags[name] = value
		}
	}
	c, report, err := config.Load(config.Options{File: s.file(p.Env), Env: p.Env, Flags: flags})
	for _, warning := range report.Warnings {
		fmt.Fprintf(p.Stderr, "gantry: warning: %s\n", warning)
	}
	return c, report, err
}

// file is the configuration file: the flag, else the environment, else none.
func (s settings) file(environ []string) string {
	if s.Config != "" {
		return s.Config
	}
	file := ""
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, config.FileEnv+"="); ok {
			file = value
		}
	}
	return file
}
