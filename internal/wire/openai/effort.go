package openai

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// efforts are what models know, by the beginnings of their names, the longer ones first; none: the model does not think. Models
// that are not listed are sent what was asked for.
var efforts = [...]struct {
	begins string
	known  []string
}{
	{"gpt-5.1-codex-max", []string{"low", "medium", "high", "xhigh"}},
	{"gpt-5-codex", []string{"low", "medium", "high"}},
	{"gpt-5-pro", []string{"high"}},
	{"gpt-5-chat", nil},
	{"gpt-5.1", []string{"none", "low", "medium", "high"}},
	{"gpt-5.2", []string{"none", "low", "medium", "high", "xhigh"}},
	{"gpt-5.", wire.Efforts[:]},
	{"gpt-5", []string{"minimal", "low", "medium", "high"}},
	{"gpt-oss", []string{"low", "medium", "high"}},
	{"gpt-4", nil},
	{"gpt-3", nil},
	{"chatgpt-", nil},
	{"o1", []string{"low", "medium", "high"}},
	{"o3", []string{"low", "medium", "high"}},
	{"o4", []string{"low", "medium", "high"}},
}

// effortFor is how much the model shall think, in its own words; "" where there is nothing to say. Error: that of the losses.
func effortFor(p *inference.Prompt, l *wire.Losses) (string, error) {
	r := &p.Reasoning
	effort := r.Effort
	if effort == "" && r.HasBudget {
		effort = wire.EffortOf(r.Budget)
	}
	if effort == "" {
		return "", nil
	}
	fitting := effort
	if known, listed := effortsOf(p.Model); listed && len(known) == 0 {
		if effort == "none" {
			return "", nil
		}
		return "", l.Parameter("reasoning", effort, "The model does not think.")
	} else if listed {
		fitting = wire.NearestEffort(effort, known)
	}
	switch {
	case r.Effort == "":
		l.Changed("reasoning budget", strconv.FormatInt(r.Budget, 10), fitting, "The upstream knows efforts and no budgets.")
	case fitting != effort:
		l.Changed("reasoning", effort, fitting, "The model knows no such effort.")
	}
	return fitting, nil
}

func effortsOf(model string) (known []string, listed bool) {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	for i := range efforts {
		if strings.HasPrefix(name, efforts[i].begins) {
			return efforts[i].known, true
		}
	}
	return nil, false
}

// fixedSampling reports whether a model chooses tokens as it likes: OpenAI's do while they think.
func fixedSampling(p *inference.Prompt) bool {
	known, listed := effortsOf(p.Model)
	if !listed || len(known) == 0 || strings.Contains(p.Model, "gpt-oss") {
		return false
	}
	r := &p.Reasoning
	thinks := r.Effort != "" && r.Effort != "none" || r.HasBudget && r.Budget != 0 || r.Adaptive
	return thinks || !slices.Contains(known, "none")
}

// samplingFor is how tokens are chosen, as far as the model lets callers say so. Error: that of the losses.
func samplingFor(p *inference.Prompt, l *wire.Losses) (inference.Sampling, error) {
	s := p.Sampling
	if !fixedSampling(p) {
		return s, nil
	}
	const reason = "A model that thinks chooses tokens as it likes."
	logprobs := ""
	if s.TopLogprobs != nil {
		logprobs = strconv.FormatInt(*s.TopLogprobs, 10)
	}
	err := l.Parameters(reason, []wire.Given{
		{Path: "temperature", Value: unless(s.Temperature, 1)},
		{Path: "top_p", Value: unless(s.TopP, 1)},
		{Path: "presence_penalty", Value: unless(s.PresencePenalty, 0)},
		{Path: "frequency_penalty", Value: unless(s.FrequencyPenalty, 0)},
		{Path: "logprobs", Value: logprobs},
	}...)
	s.Temperature, s.TopP, s.PresencePenalty, s.FrequencyPenalty, s.TopLogprobs = "", "", "", "", nil
	return s, err
}

// unless is a figure that says something else than what happens anyway; "" for that.
func unless(n json.Number, usual float64) string {
	if f, err := n.Float64(); err == nil && f == usual {
		return ""
	}
	return string(n)
}
