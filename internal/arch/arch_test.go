package arch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gantry-ai/gantry/internal/arch"
)

const root = "../.."

func TestImportsFollowTheRules(t *testing.T) {
	t.Parallel()
	graph, err := arch.LoadGraph(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(graph["internal/cli"]) == 0 {
		t.Fatal("the graph is empty: it does not hold internal/cli")
	}
	for _, violation := range arch.Check(graph, arch.All()) {
		t.Error(violation)
	}
}

// TestEveryRuleCatchesItsPlant plants one forbidden import per rule in an otherwise clean graph.
func TestEveryRuleCatchesItsPlant(t *testing.T) {
	t.Parallel()
	for i, rule := range arch.All() {
		t.Run(fmt.Sprint(i, " ", rule.Plant), func(t *testing.T) {
			t.Parallel()
			importer, imported, ok := strings.Cut(rule.Plant, " ")
			if !ok || rule.Reason == "" {
				t.Fatalf("a rule has a reason and a plant: %+v", rule)
			}
			if clean := arch.Check(arch.Graph{importer: {}}, []arch.Rule{rule}); len(clean) != 0 {
				t.Fatalf("caught without a plant: %v", clean)
			}
			found := arch.Check(arch.Graph{importer: {imported}}, []arch.Rule{rule})
			if len(found) != 1 || !strings.HasPrefix(found[0], importer+" imports "+imported) || !strings.HasSuffix(found[0], rule.Reason) {
				t.Fatalf("got %v", found)
			}
		})
	}
}

func TestForbiddenImportIsCaughtThroughOwnPackages(t *testing.T) {
	t.Parallel()
	graph := arch.Graph{
		"internal/domain/wallet": {"internal/kernel/a"},
		"internal/kernel/a":      {"internal/kernel/b"},
		"internal/kernel/b":      {"net/http"},
	}
	found := strings.Join(arch.Check(graph, arch.All()), "\n")
	if !strings.Contains(found, "internal/domain/wallet imports internal/kernel/a imports internal/kernel/b imports net/http") {
		t.Fatalf("got %s", found)
	}
}

func TestWhatTheRulesAllow(t *testing.T) {
	t.Parallel()
	graph := arch.Graph{
		"internal/kernel/money":    {"math/bits", "internal/kernel/fault"},
		"internal/domain/tasks":    {"internal/domain/wallet", "internal/kernel/money", "golang.org/x/crypto/argon2"},
		"internal/domain/studio":   {"internal/domain/tasks", "internal/domain/studio/sub"},
		"internal/provider/openai": {"net/http", "internal/provider", "internal/wire/openai"},
		"internal/provider/all":    {"internal/provider/openai"},
		"internal/relay":           {"internal/provider", "internal/journal", "internal/domain/routing"},
		"internal/surface/gateway": {"net/http", "internal/surface/envelope", "internal/relay"},
		"internal/store":           {"database/sql", "internal/domain/wallet", "github.com/uptrace/bun"},
		"internal/app":             {"internal/store", "internal/provider/all", "internal/surface/gateway"},
		"internal/testkit/pgtest":  {"github.com/jackc/pgx/v5", "os"},

		"internal/domain/wallet/wallettest": {"testing", "internal/testkit/memtx"},
		"cmd/gantry":                        {"internal/app", "internal/cli"},
		"internal/surface/envelope":         {"net/http"},
		"internal/domain/pricing":           {"cel.dev/cel-go/cel", "internal/domain/catalog"},
		"internal/wire/openai":              {"internal/inference", "github.com/tidwall/gjson"},
		"internal/jobs":                     {"github.com/riverqueue/river"},
		"internal/domain/identity/sub":      {"internal/domain/identity"},
	}
	for _, violation := range arch.Check(graph, arch.All()) {
		t.Error(violation)
	}
}

func TestNoFloatNearMoney(t *testing.T) {
	t.Parallel()
	for _, folder := range arch.ExactFolders {
		if _, err := os.Stat(filepath.Join(root, folder)); err != nil {
			t.Errorf("the folder moved and the rule did not follow: %v", err)
			continue
		}
		places, err := arch.Floats(os.DirFS(root), folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range places {
			t.Errorf("%s: money is exact, use kernel/money", place)
		}
	}
}

func TestFloatsAreFound(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"type":       "package p\nvar x float64",
		"field":      "package p\ntype t struct{ rate []float32 }",
		"conversion": "package p\nfunc f(n int64) any { return float64(n) }",
		"literal":    "package p\nconst rate = 0.5",
		"small":      "package p\nconst rate = 5e-1",
		"point":      "package p\nconst rate = 1.0",
		"parse":      "package p\nimport \"strconv\"\nvar f = strconv.ParseFloat",
	} {
		tree := fstest.MapFS{"money/deep/a.go": {Data: []byte(source)}}
		places, err := arch.Floats(tree, "money")
		if err != nil || len(places) != 1 || !strings.HasPrefix(places[0], "money/deep/a.go:") {
			t.Errorf("%s: %v, %v", name, places, err)
		}
	}
	clean := fstest.MapFS{
		"money/a.go":      {Data: []byte("// Package p never uses float64.\npackage p\n\nconst text = \"0.5\"\n\nvar n int64 = 1e9")},
		"money/a_test.go": {Data: []byte("package p\nvar x float64")},
	}
	if places, err := arch.Floats(clean, "money"); err != nil || len(places) != 0 {
		t.Errorf("clean source: %v, %v", places, err)
	}
}

func TestModulesMoveTogether(t *testing.T) {
	t.Parallel()
	requirements, err := arch.Requirements(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, apart := range arch.RiverApart(requirements) {
		t.Errorf("%s %s: all River modules have one version, set them together", apart.Path, apart.Version)
	}
	sqlite := arch.VersionOf(requirements, "modernc.org/sqlite")
	if sqlite == "" {
		return
	}
	wanted, err := arch.RequirementsOf(arch.Requirement{Path: "modernc.org/sqlite", Version: sqlite})
	if err != nil {
		t.Fatal(err)
	}
	got, want := arch.VersionOf(requirements, "modernc.org/libc"), arch.VersionOf(wanted, "modernc.org/libc")
	if got != want {
		t.Errorf("modernc.org/libc is %s, but sqlite %s is made for %s exactly", got, sqlite, want)
	}
}

func TestRiverModulesThatPartAreFound(t *testing.T) {
	t.Parallel()
	together := []arch.Requirement{
		{"github.com/riverqueue/river", "v0.31.0"}, {"github.com/riverqueue/river/riverdriver", "v0.31.0"}, {"github.com/riverqueuex/other", "v1.0.0"},
	}
	if apart := arch.RiverApart(together); len(apart) != 0 {
		t.Errorf("together: %v", apart)
	}
	if apart := arch.RiverApart(append(together, arch.Requirement{"github.com/riverqueue/river/rivertype", "v0.51.0"})); len(apart) != 1 {
		t.Errorf("apart: %v", apart)
	}
	if apart := arch.RiverApart(nil); len(apart) != 0 {
		t.Errorf("none: %v", apart)
	}
}
