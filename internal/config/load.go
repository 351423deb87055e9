package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// FileEnv names the configuration file in the environment; it is not itself a setting.
const FileEnv = envPrefix + "CONFIG"

// Options says where settings come from. The zero value gives the defaults.
type Options struct {
	// File is the path of a YAML file; "" for none. One that is named must exist.
	File string
	// Env is the environment in the form of os.Environ.
	Env []string
	// Flags maps the names of settings to what the command line says.
	Flags map[string]string
}

// Value is one setting as it came out, for people.
type Value struct {
	Field

	// Text is the value; a secret that is set shows as "***".
	Text string
	// Source says where it comes from: "default", "file gantry.yaml", "environment GANTRY_ADDR", "flag --addr".
	Source string
}

// Report says how the settings came about.
type Report struct {
	Values []Value
	// Warnings name GANTRY_ variables that set nothing. They are no error: a container platform may add some.
	Warnings []string
}

// Load reads all layers and validates the result. Its error joins everything that is wrong, each naming the setting,
// the value (never a secret's) and where it came from.
func Load(o Options) (Config, Report, error) {
	c := Default()
	l := newLoader(&c)
	errs := []error{l.file(o.File), l.environment(o.Env), l.flags(o.Flags)}
	if err := errors.Join(errs...); err != nil {
		return Config{}, Report{}, err
	}
	if err := l.validate(); err != nil {
		return Config{}, Report{}, err
	}
	return c, l.report(), nil
}

// loader fills a Config and remembers where each value came from.
type loader struct {
	config   *Config
	fields   []field
	index    map[string]field
	sources  map[string]string
	warnings []string
}

func newLoader(c *Config) *loader {
	l := &loader{config: c, fields: fieldsOf(c), index: map[string]field{}, sources: map[string]string{}}
	for _, f := range l.fields {
		l.index[f.Name] = f
		l.sources[f.Name] = "default"
	}
	return l
}

func (l *loader) file(path string) error {
	if path == "" {
		return nil
	}
	layer := koanf.New(".")
	if err := layer.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	return l.apply(layer.All(), func(field) string { return "file " + path })
}

func (l *loader) environment(environ []string) error {
	names := map[string]string{}
	for _, f := range l.fields {
		names[f.Env] = f.Name
	}
	layer := koanf.New(".")
	err := layer.Load(env.Provider(".", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(variable, value string) (string, any) {
			if names[variable] == "" && variable != FileEnv {
				l.warnings = append(l.warnings, unknown(variable, slices.Sorted(maps.Keys(names)))+" (environment)")
			}
			return names[variable], value
		},
	}), nil)
	if err != nil {
		return fmt.Errorf("environment: %w", err)
	}
	return l.apply(layer.All(), func(f field) string { return "environment " + f.Env })
}

func (l *loader) flags(flags map[string]string) error {
	values := map[string]any{}
	for name, value := range flags {
		values[name] = value
	}
	return l.apply(values, func(f field) string { return "flag " + f.Flag })
}

// apply sets the values of one layer, in the order of their names so that errors are always the same.
func (l *loader) apply(values map[string]any, source func(field) string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		f, known := l.index[name]
		switch {
		case !known && l.emptySection(name, values[name]):
		case !known:
			errs = append(errs, fmt.Errorf("%s (%s)", unknown(name, l.names()), source(field{Field: Field{Flag: "--set " + name}})))
		default:
			l.sources[name] = source(f)
			if err := f.set(values[name]); err != nil {
				errs = append(errs, l.bad(f, scalar(values[name]), err))
			}
		}
	}
	return errors.Join(errs...)
}

// emptySection reports whether name is a section that is there in the file with nothing in it.
func (l *loader) emptySection(name string, value any) bool {
	section, isMap := value.(map[string]any)
	empty := value == nil || (isMap && len(section) == 0)
	return empty && slices.ContainsFunc(l.names(), func(known string) bool { return strings.HasPrefix(known, name+".") })
}

func (l *loader) names() []string {
	var names []string
	for _, f := range l.fields {
		names = append(names, f.Name)
	}
	return names
}

// bad names the setting, its value and its source.
func (l *loader) bad(f field, value string, err error) error {
	if f.Secret {
		value = "***"
	}
	return fmt.Errorf("%s: %w, got %q (%s)", f.Name, err, value, l.sources[f.Name])
}

func (l *loader) report() Report {
	r := Report{Warnings: l.warnings}
	for _, f := range l.fields {
		r.Values = append(r.Values, Value{Field: f.Field, Text: text(f.value), Source: l.sources[f.Name]})
	}
	return r
}
