package openai

import "github.com/gantry-ai/gantry/internal/wire/jsonscan"

const (
	// MaxPrompts is how many prompts a completion, or inputs an embeddings request, may have.
	MaxPrompts = 2048
	// DefaultCompletion is how many tokens a completion has that nobody limited. Source: the protocol.
	DefaultCompletion = 16
)

var completionKeys = jsonscan.NewKeys("prompt", "best_of")

// PeekCompletion reads the facts of a completion request. N is how many completions the upstream makes of all prompts, those
// that it does not return included. The error is a *RequestError.
func PeekCompletion(body []byte) (Facts, error) {
	var f Facts
	var own [2]jsonscan.Field
	err := f.scan(body)
	if err == nil {
		if _, _, err = completionKeys.Scan(body, own[:]); err != nil {
			err = scanError(err)
		}
	}
	f.spans[keyInput] = own[0] // what tokens are counted of
	var prompts int64
	for _, read := range [...]func() error{
		func() error { return f.readModel(body) },
		func() (err error) { prompts, err = f.readPrompt(body); return err },
		func() error { return f.readStream(body) },
		func() error { return f.readStreamOptions(body) },
		func() error { return f.readShortCap(body) },
		func() error { return f.readN(body) },
		func() error { return f.readBest(body, own[1]) },
		func() error { return f.readTexts(body) },
	} {
		if err == nil {
			err = read()
		}
	}
	f.N *= prompts
	f.inputs = prompts
	return f, err
}

// readPrompt counts the prompts: a text or tokens is one.
func (f *Facts) readPrompt(body []byte) (int64, error) {
	span, ok := f.given(body, keyInput)
	if !ok {
		return 0, missing("prompt", "Missing required parameter: 'prompt'.")
	}
	f.InputBytes = len(span.In(body))
	return countInputs(span.In(body), "prompt", true)
}

// readShortCap reads max_tokens. Nobody can tell less than one token from none, and who asks for none wants the prompt back.
func (f *Facts) readShortCap(body []byte) error {
	if string(f.spans[keyMaxTokens].In(body)) == "0" {
		f.MaxOutput = 1
		return nil
	}
	if err := f.readCap(body); err != nil {
		return err
	}
	if f.MaxOutput == 0 {
		f.MaxOutput = DefaultCompletion
	}
	return nil
}

// readBest makes N what is made in order to choose among it.
func (f *Facts) readBest(body []byte, span jsonscan.Field) error {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return nil
	}
	best, err := integer(body, span, "best_of", MaxN)
	if err == nil && best < f.N {
		err = invalidValue("best_of", "Invalid 'best_of': expected at least as many as 'n'.")
	}
	f.N = max(f.N, best)
	return err
}

// countInputs counts what an array holds: texts, or lists of tokens. A text, or a list of tokens, is one. empty says that an
// empty text is one too.
func countInputs(text []byte, param string, empty bool) (int64, error) {
	switch {
	case text[0] == '"':
		if !empty && string(text) == `""` {
			return 0, invalidValue(param, "'"+param+"' cannot be empty.")
		}
		return 1, nil
	case text[0] != '[':
		return 0, invalidType(param, "a string or an array")
	case emptyArray(text):
		return 0, invalidValue(param, "'"+param+"' cannot be empty.")
	}
	it := jsonscan.Elements(text)
	it.Next()
	if isDigit(it.Value[0]) {
		return 1, checkTokens(text, param)
	}
	n := int64(0)
	for it := jsonscan.Elements(text); it.Next(); n++ {
		if n == MaxPrompts {
			return 0, outOfBatch(param)
		}
		if err := checkInput(it.Value, param, empty); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// checkInput checks one of several: a text, or tokens. What is embedded may be an object, as vendors have them for pictures.
func checkInput(value []byte, param string, empty bool) error {
	switch {
	case value[0] == '{' && !empty:
		return nil
	case value[0] == '"' && (empty || len(value) > 2):
		return nil
	case value[0] == '[' && !emptyArray(value):
		return checkTokens(value, param)
	case value[0] == '"' || value[0] == '[':
		return invalidValue(param, "'"+param+"' cannot hold anything that is empty.")
	}
	return invalidType(param, "a string, an array of strings, or arrays of tokens")
}

func checkTokens(array []byte, param string) error {
	for it := jsonscan.Elements(array); it.Next(); {
		if _, err := jsonscan.Int(it.Value, jsonscan.Field{End: len(it.Value)}); err != nil || it.Value[0] == '-' {
			return invalidType(param, "an array of tokens, or of texts")
		}
	}
	return nil
}

func isDigit(c byte) bool { return c == '-' || c-'0' <= 9 }
