package gemini

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// readLogprobs reads logprobsResult: the tokens that were chosen, and the likeliest of each place.
func readLogprobs(v jsondoc.Value) ([]inference.Logprob, error) {
	var chosen []inference.Logprob
	var top [][]inference.Logprob
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch camel(key) {
		case "chosenCandidates":
			chosen, err = readTokens(v)
		case "topCandidates":
			return v.Elements(func(v jsondoc.Value) error {
				return v.Members(func(key string, v jsondoc.Value) error {
					if key != "candidates" {
						return nil
					}
					tokens, err := readTokens(v)
					top = append(top, tokens)
					return err
				})
			})
		}
		return err
	})
	for i := range min(len(chosen), len(top)) {
		chosen[i].Top = top[i]
	}
	return chosen, err
}

func readTokens(v jsondoc.Value) (out []inference.Logprob, err error) {
	err = v.Elements(func(v jsondoc.Value) error {
		var l inference.Logprob
		err := v.Members(func(key string, v jsondoc.Value) error {
			switch camel(key) {
			case "token":
				return v.Text(&l.Token)
			case "logProbability":
				return v.Figure(&l.Value)
			}
			return nil
		})
		out = append(out, l)
		return err
	})
	return out, err
}

// likely gives the last text the tokens that came with it.
func likely(parts []inference.Part, list []inference.Logprob) {
	for i := len(parts) - 1; i >= 0 && len(list) > 0; i-- {
		if parts[i].Kind == inference.PartText {
			parts[i].Logprobs = list
			return
		}
	}
}

func writeLogprobs(w *jsondoc.Writer, parts []inference.Part) {
	var list []inference.Logprob
	top := false
	for i := range parts {
		list = append(list, parts[i].Logprobs...)
	}
	if len(list) == 0 {
		return
	}
	w.Key("logprobsResult").Open('{').Key("chosenCandidates").Open('[')
	for i := range list {
		writeToken(w, &list[i])
		top = top || len(list[i].Top) > 0
	}
	w.Close(']')
	if top {
		w.Key("topCandidates").Open('[')
		for i := range list {
			w.Open('{').Key("candidates").Open('[')
			for j := range list[i].Top {
				writeToken(w, &list[i].Top[j])
			}
			w.Close(']').Close('}')
		}
		w.Close(']')
	}
	w.Close('}')
}

func writeToken(w *jsondoc.Writer, l *inference.Logprob) {
	w.Open('{').Key("token").Str(l.Token)
	if l.Value != "" {
		w.Key("logProbability").Raw(string(l.Value))
	}
	w.Close('}')
}
