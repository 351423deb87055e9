// Package all names every adapter. Adding one adds a line here, and nothing elsewhere.
package all

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/anthropic"
	"github.com/gantry-ai/gantry/internal/provider/azure"
	"github.com/gantry-ai/gantry/internal/provider/bedrock"
	"github.com/gantry-ai/gantry/internal/provider/cohere"
	"github.com/gantry-ai/gantry/internal/provider/compat"
	"github.com/gantry-ai/gantry/internal/provider/gemini"
	"github.com/gantry-ai/gantry/internal/provider/jina"
	"github.com/gantry-ai/gantry/internal/provider/oauth"
	"github.com/gantry-ai/gantry/internal/provider/ollama"
	"github.com/gantry-ai/gantry/internal/provider/openai"
	"github.com/gantry-ai/gantry/internal/provider/simulation"
	"github.com/gantry-ai/gantry/internal/provider/vertex"
	"github.com/gantry-ai/gantry/internal/provider/voyage"
)

// Options are what adapters are told by the installation's settings.
type Options struct {
	// TokensPerSecond is the simulation's pace; 0 means no pause between tokens.
	TokensPerSecond int
	// SimulationJobs is the simulation's memory of its jobs; nil is one that ends with the process.
	SimulationJobs simulation.JobBook
	// Now is the time that adapters go by; nil is the machine's.
	Now clock.Clock
}

// Adapters returns all adapters, with distinct names.
func Adapters(o Options) []provider.Adapter {
	return slices.Concat([]provider.Adapter{
		openai.Adapter{},
		anthropic.Adapter{},
		gemini.Adapter{},
		azure.Adapter{Tokens: &oauth.Book{Now: o.Now}},
		bedrock.Adapter{Now: o.Now},
		bedrock.Claude{Now: o.Now},
		ollama.Adapter{},
		cohere.Adapter{},
		jina.Adapter{},
		voyage.Adapter{},
		simulation.New(simulation.Options{TokensPerSecond: o.TokensPerSecond, Jobs: o.SimulationJobs}),
	}, vertex.Adapters(vertex.Options{Now: o.Now}), compat.Adapters())
}
