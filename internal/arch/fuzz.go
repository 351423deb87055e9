package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// decoders are what foreign bytes are taken apart with. A package that uses one reads what somebody else wrote.
var decoders = []string{
	"json.Unmarshal", "json.NewDecoder", "jsonscan.NewKeys", "jsondoc.Parse", "multipart.NewReader", "yaml.Parser", "yaml.Unmarshal",
	"pem.Decode", "eventstream.NewReader", "sse.NewReader", "StdEncoding.DecodeString", "RawURLEncoding.DecodeString", "binary.Uvarint",
	"xml.Unmarshal", "xml.NewDecoder", "hex.Decode", "hex.DecodeString", "tar.NewReader", "zip.NewReader", "csv.NewReader",
}

// FuzzedElsewhere are packages that read foreign bytes and have no fuzz target of their own: each names the target that reaches
// it, or why what it reads is not foreign. A star stands for one part of a path: every adapter is reached through provider/all.
var FuzzedElsewhere = map[string]string{
	"internal/provider/*":      "internal/provider/all.FuzzAnswers",
	"internal/surface/gateway": "internal/surface/httpx.FuzzDecodeSeesWhatItChecked",
	"internal/surface/console": "internal/surface/httpx.FuzzDecodeSeesWhatItChecked",
	"internal/relay":           "internal/surface/protocols.FuzzRoutes",

	"internal/arch":                  "reads this repository",
	"internal/app":                   "reads what this program wrote",
	"internal/provider/providertest": "reads answers in tests",
	"internal/store":                 "reads its own rows",
	"internal/surface/reference":     "reads contracts that are built in",
	"internal/surface/surfacetest":   "reads answers in tests",
	"internal/wire/wiretest":         "compares in tests",
}

// readers are the beginnings of names of functions that take foreign bytes apart.
var readers = []string{"Parse", "Peek", "Read", "Decode"}

// Fuzzing is what there is of parsers and of fuzz targets.
type Fuzzing struct {
	// Reading are the packages that use decoders; Targets are the fuzz targets, as package.Name.
	Reading, Targets map[string]bool
	// Parsers are the exported functions that take foreign bytes apart, as package.Name.
	Parsers []string

	names   map[string]map[string]bool // what stands in the functions and variables of a name
	reached map[string]bool            // names that fuzz targets get to
}

// LoadFuzzing reads the Go files below a folder. It goes by names alone: a parser counts as reached when something of its name
// is, so what it finds missing is missing.
func LoadFuzzing(tree fs.FS, folder string) (*Fuzzing, error) {
	f := &Fuzzing{Reading: map[string]bool{}, Targets: map[string]bool{}, names: map[string]map[string]bool{}, reached: map[string]bool{}}
	err := fs.WalkDir(tree, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".go" {
			return err
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse: %w", err)
		}
		f.file(path.Dir(name), file, strings.HasSuffix(name, "_test.go"))
		return nil
	})
	f.reach()
	return f, err
}

func (f *Fuzzing) file(folder string, file *ast.File, test bool) {
	kit := strings.Contains(folder, "/testkit/") || strings.HasSuffix(folder, "/api")
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f.mention(d.Name.Name, d)
			switch {
			case test && strings.HasPrefix(d.Name.Name, "Fuzz"):
				f.Targets[folder+"."+d.Name.Name] = true
			case !test && !kit && d.Recv == nil && takesBytes(d) && slices.ContainsFunc(readers, func(r string) bool { return strings.HasPrefix(d.Name.Name, r) }):
				f.Parsers = append(f.Parsers, folder+"."+d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range v.Names {
						f.mention(name.Name, v)
					}
				}
			}
		}
	}
	if !test && !kit && usesDecoder(file) {
		f.Reading[folder] = true
	}
}

// mention notes which names stand in what is declared under a name.
func (f *Fuzzing) mention(name string, in ast.Node) {
	if f.names[name] == nil {
		f.names[name] = map[string]bool{}
	}
	ast.Inspect(in, func(n ast.Node) bool {
		if v, ok := n.(*ast.Ident); ok {
			f.names[name][v.Name] = true
		}
		return true
	})
}

// takesBytes reports whether a parameter can be foreign: bytes, a text, or something to read from.
func takesBytes(d *ast.FuncDecl) bool {
	for _, field := range d.Type.Params.List {
		switch t := field.Type.(type) {
		case *ast.ArrayType:
			if element, ok := t.Elt.(*ast.Ident); ok && element.Name == "byte" {
				return true
			}
		case *ast.SelectorExpr:
			if t.Sel.Name == "RawMessage" || t.Sel.Name == "Reader" {
				return true
			}
		}
	}
	return false
}

func usesDecoder(file *ast.File) (found bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of := ""
		switch x := s.X.(type) {
		case *ast.Ident:
			of = x.Name
		case *ast.SelectorExpr:
			of = x.Sel.Name
		}
		found = found || slices.Contains(decoders, of+"."+s.Sel.Name)
		return true
	})
	return found
}

// reach follows names from the targets on.
func (f *Fuzzing) reach() {
	var next []string
	for target := range f.Targets {
		next = append(next, target[strings.LastIndexByte(target, '.')+1:])
	}
	for len(next) > 0 {
		name := next[len(next)-1]
		next = next[:len(next)-1]
		if f.reached[name] {
			continue
		}
		f.reached[name] = true
		for mentioned := range f.names[name] {
			next = append(next, mentioned)
		}
	}
}

// Unfuzzed returns what reads foreign bytes and is reached by no target, and what FuzzedElsewhere says that is not so, sorted.
func (f *Fuzzing) Unfuzzed(elsewhere map[string]string) (out []string) {
	own := map[string]bool{}
	for target := range f.Targets {
		own[target[:strings.LastIndexByte(target, '.')]] = true
	}
	used := map[string]bool{}
	for folder := range f.Reading {
		pattern := exception(elsewhere, folder)
		used[pattern] = true
		if !own[folder] && pattern == "" {
			out = append(out, folder+" reads foreign bytes and has no fuzz target")
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(elsewhere)) {
		target := elsewhere[folder]
		switch {
		case !used[folder]:
			out = append(out, folder+" is excepted and reads nothing foreign")
		case strings.Contains(target, ".Fuzz") && !f.Targets[target]:
			out = append(out, folder+" is said to be reached by "+target+", which there is not")
		}
	}
	for _, p := range f.Parsers {
		if name := p[strings.LastIndexByte(p, '.')+1:]; !f.reached[name] {
			out = append(out, p+" is a parser that no fuzz target reaches")
		}
	}
	slices.Sort(out)
	return out
}

// exception is the entry that is about a folder, the one of its own before a pattern; empty: there is none.
func exception(elsewhere map[string]string, folder string) string {
	if elsewhere[folder] != "" {
		return folder
	}
	for pattern := range elsewhere {
		if fits, err := path.Match(pattern, folder); err == nil && fits {
			return pattern
		}
	}
	return ""
}
