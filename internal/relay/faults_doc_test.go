package relay_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/faults.md")

const faultsDoc = "../../docs/faults.md"

const faultsIntro = `# What upstreams do wrong, and what becomes of it

This page is written by ` + "`go test ./internal/relay -run Documented -update`" + ` from the table that
` + "`TestNoFaultHangsOrIsChargedWrong`" + ` proves with a real upstream, a real server, journal and wallet: each fault below ends
within its deadline, in an answer or in one error of the caller's protocol, with one record, no open hold, and no word of the
upstream's address or key.

One upstream is tried here. Where a model has several, all but a fault of the request itself, or one behind the first event,
are tried elsewhere before the caller hears of them. Categories are those that policies speak of. "Counted here" is the input
and the output that was delivered, by Gantry's own count; the bill says ` + "`estimated`" + `, or ` + "`cut`" + `.

A caller who leaves cancels the upstream within 500 ms. Before the first byte it pays nothing; afterwards the input and what
was delivered, and at most 64 output tokens that were on their way.
`

// TestFaultsAreDocumented keeps docs/faults.md from going stale.
func TestFaultsAreDocumented(t *testing.T) {
	t.Parallel()
	want := documentedFaults()
	if *update {
		if err := os.WriteFile(faultsDoc, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(faultsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/faults.md is stale: go test ./internal/relay -run Documented -update")
	}
}

func documentedFaults() string {
	var b strings.Builder
	b.WriteString(faultsIntro)
	heading(&b, "Upstreams that are not reached")
	for _, f := range unreachable {
		(&misdeed{name: f.name, mode: both, ends: f.ends}).document(&b)
	}
	for _, part := range []struct {
		title  string
		faults []misdeed
	}{
		{"Before the answer", beforeTheAnswer},
		{"Answers that say no", refusals},
		{"Buffered answers", bodies},
		{"Streams that are unusual", oddities},
		{"Streams that fail before their first event", firstEvents},
		{"Streams that fail behind their first event", laterEvents},
	} {
		heading(&b, part.title)
		for i := range part.faults {
			part.faults[i].document(&b)
		}
	}
	return b.String()
}

func heading(b *strings.Builder, title string) {
	_, _ = fmt.Fprintf(b, "\n## %s\n\n| fault | requests | category | the caller gets | who pays |\n| --- | --- | --- | --- | --- |\n", title)
}

func (m *misdeed) document(b *strings.Builder) {
	_, _ = fmt.Fprintf(b, "| %s | %s | `%s` | %s | %s |\n", m.name, m.mode, m.ends.category, m.ends.describe(), m.ends.pays)
}

func (e *ending) describe() string {
	switch {
	case e.code == "":
		return "the answer"
	case e.status == 200:
		return "what came before, then an error event `" + e.code + "`"
	}
	return fmt.Sprintf("%d `%s`", e.status, e.code)
}
