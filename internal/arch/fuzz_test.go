package arch_test

import (
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/gantry-ai/gantry/internal/arch"
)

func TestEveryParserIsFuzzed(t *testing.T) {
	t.Parallel()
	f, err := arch.LoadFuzzing(os.DirFS(root), "internal")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Targets) < 50 || len(f.Parsers) < 20 || len(f.Reading) < 20 {
		t.Fatalf("%d targets, %d parsers in %d packages: the tree was not read", len(f.Targets), len(f.Parsers), len(f.Reading))
	}
	for _, missing := range f.Unfuzzed(arch.FuzzedElsewhere) {
		t.Error(missing)
	}
}

func TestParsersWithoutATargetAreFound(t *testing.T) {
	t.Parallel()
	f, err := arch.LoadFuzzing(fstest.MapFS{
		"internal/a/a.go":      {Data: []byte("package a\nfunc ParseA(b []byte) error { return json.Unmarshal(b, nil) }\nfunc ParseB(b []byte) error { return inner(b) }\nfunc inner(b []byte) error { return nil }")},
		"internal/a/a_test.go": {Data: []byte("package a\nvar table = []any{ParseB}\nfunc FuzzB(f *testing.F) { _ = table }")},
		"internal/b/b.go":      {Data: []byte("package b\nvar keys = jsonscan.NewKeys()")},
		"internal/c/c.go":      {Data: []byte("package c\nfunc f() { base64.StdEncoding.DecodeString(x) }")},
		"internal/d/d.go":      {Data: []byte("package d\nfunc ParseText(s string) int { return 0 }")},
	}, "internal")
	if err != nil {
		t.Fatal(err)
	}
	got := f.Unfuzzed(map[string]string{"internal/c": "internal/a.FuzzNone", "internal/d": "why"})
	want := []string{
		"internal/a.ParseA is a parser that no fuzz target reaches",
		"internal/b reads foreign bytes and has no fuzz target",
		"internal/c is said to be reached by internal/a.FuzzNone, which there is not",
		"internal/d is excepted and reads nothing foreign",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
