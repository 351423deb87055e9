package e2e

import (
	"fmt"
	"strings"
)

// conformanceMatrix writes docs/conformance.md.
func conformanceMatrix(families []*conformanceFamily, results map[string]string) string {
	var b strings.Builder
	b.WriteString(conformanceHead)
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s\n\n| SDK | API |", f.title)
		for _, s := range conformanceScenarios {
			b.WriteString(" " + strings.ReplaceAll(s, "_", " ") + " |")
		}
		b.WriteString("\n|---|---|" + strings.Repeat("---|", len(conformanceScenarios)) + "\n")
		for i := range conformanceSDKs {
			sdk := &conformanceSDKs[i]
			fmt.Fprintf(&b, "| %s | %s |", sdk.name, sdk.api)
			for _, scenario := range conformanceScenarios {
				fmt.Fprintf(&b, " %s %s |", short(results[cellID(f, sdk, scenario, false)]), short(results[cellID(f, sdk, scenario, true)]))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// tally counts verdicts.
func tally(results map[string]string) string {
	count := map[string]int{}
	for _, v := range results {
		count[short(v)]++
	}
	return fmt.Sprintf("%d conversations: %d as at home, %d refused, %d wrong", len(results), count["✓"], count["refused"], count["✗"])
}

func short(verdict string) string {
	if verdict == "" {
		return "—"
	}
	mark, _, _ := strings.Cut(verdict, " ")
	return mark
}

const conformanceHead = `# Conformance

Official SDKs in their current and their previous major, each talking through Gantry to every family of upstreams. Each cell
has two marks, for a buffered and for a streamed conversation: ` + "`✓`" + ` it went as it would have gone at home; ` + "`refused`" + ` the
upstream cannot carry it, and the caller was told so with the SDK's own typed error; ` + "`—`" + ` the SDK itself cannot. Nothing is
lost silently.

What ` + "`✓`" + ` means: each conversation has a mark of its own, by which the upstream's side of it is known, and the tokens that the SDK
tells are those that the upstream told.

| Column | The SDK saw | The upstream heard or saw |
|---|---|---|
| text | the answer to its own question | |
| tools, parallel tools | the calls, and the answer to their results | the schemas; each result with the id of its call |
| structured | an object that fits the schema | the schema |
| reasoning | the thoughts, where the upstream shows them, and a call | how much to think; its thoughts again with their seal, behind which the call stood |
| vision | an answer | the bytes of the picture |
| error | its own typed errors, with status and code, of a prompt that is too long and of a model that there is not | the prompt |
| cancel | its own abort | the caller leaving |

` + "`make conformance`" + ` has the conversations and writes this page; the tests fail where it is not true any more. Upstreams are
faithful fakes, which judge requests as strictly as the originals: signatures, tokens, versions, deployments, members that they do
not know, ids that do not fit, and thoughts that do not come back.
`

// different shows the lines that differ.
func different(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, c := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			c = g[i]
		}
		if a != c {
			fmt.Fprintf(&b, "- %s\n+ %s\n", a, c)
		}
	}
	return b.String()
}
