// Package all names every adapter. Adding one adds a line here, and nothing elsewhere.
package all

import (
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/cohere"
	"github.com/gantry-ai/gantry/internal/provider/jina"
	"github.com/gantry-ai/gantry/internal/provider/openai"
	"github.com/gantry-ai/gantry/internal/provider/simulation"
	"github.com/gantry-ai/gantry/internal/provider/voyage"
)

// Options are what adapters are told by the installation's settings.
type Options struct {
	// TokensPerSecond is the simulation's pace; 0 means no pause between tokens.
	TokensPerSecond int
	// SimulationJobs is the simulation's memory of its jobs; nil is one that ends with the process.
	SimulationJobs simulation.JobBook
}

// Adapters returns all adapters, with distinct names.
func Adapters(o Options) []provider.Adapter {
	return []provider.Adapter{
		openai.Adapter{},
		cohere.Adapter{},
		jina.Adapter{},
		voyage.Adapter{},
		simulation.New(simulation.Options{TokensPerSecond: o.TokensPerSecond, Jobs: o.SimulationJobs}),
	}
}
