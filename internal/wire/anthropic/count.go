package anthropic

import (
	"bytes"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// What is set aside for what is not text. Source: the provider sheet, section 1: pictures of up to 8000 pixels a side, and
// documents of up to 100 pages, each of which is read as text and as a picture.
const (
	imageTokens    = 1600
	maxImageTokens = 5000
	documentTokens = 10_000
	maxDocument    = 500_000
	// unseen is more than any window holds: what tools of the upstream's bring is read again at each of their steps.
	unseen = 2_000_000
	// overhead covers what is put around system prompt, tools and messages.
	overhead = 512
	// perMessage is what is put around each message.
	perMessage = 4
)

// boundInput is more input tokens than the request can be charged for.
func (f *Facts) boundInput() int64 {
	n := int64(f.PromptBytes) + overhead + int64(f.Images)*maxImageTokens + int64(f.Documents)*maxDocument
	if f.ServerTools {
		n += unseen
	}
	return n
}

// promptKeys are the members that become part of the prompt.
var promptKeys = [...]int{keySystem, keyMessages, keyTools, keyOutputConfig, keyOutputFormat}

// InputTokens estimates system prompt, messages and tools.
func (messagesFormat) InputTokens(body []byte, a *wire.Ask) int64 {
	f := factsOf(a)
	var c openai.Count
	for _, key := range promptKeys {
		withoutFiles(f.spans[key].In(body), c.Add)
	}
	return c.Tokens() + f.otherTokens()
}

// otherTokens are those of what is not text.
func (f *Facts) otherTokens() int64 {
	return int64(f.Images)*imageTokens + int64(f.Documents)*documentTokens
}

// CountInput counts system prompt, messages and tools by a model's vocabulary.
func (m messagesFormat) CountInput(body []byte, a *wire.Ask, family tokens.Family) int64 {
	f := factsOf(a)
	n := f.otherTokens() + tokens.Count(family, m.Text(body, a, len(body)))
	for _, key := range [...]int{keyTools, keyOutputConfig, keyOutputFormat} {
		n += tokens.Count(family, string(f.spans[key].In(body)))
	}
	for it := jsonscan.AnyElements(f.spans[keyMessages].In(body)); it.Next(); {
		n += perMessage
	}
	return n
}

// CountAnswer counts the text of a whole message by a model's vocabulary.
func (messagesFormat) CountAnswer(body []byte, family tokens.Family) int64 {
	var out [numParts]jsonscan.Field
	if _, _, err := answerParts.Scan(body, out[:]); err != nil {
		return 0
	}
	c := tokens.New(family)
	said(out[partContent].In(body), func(raw []byte) { c.Add(spoken(raw)) })
	return c.Total()
}

// spoken is the text that the inside of a JSON string stands for; what is no such inside stands for itself.
func spoken(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var s string
	if json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &s) != nil {
		return string(raw)
	}
	return s
}

var dataKey = []byte(`"data"`)

// withoutFiles adds a text but for the files that stand in it as base64. For the bound their bytes count all the same, where
// a text that only looks like one must not make the hold smaller.
func withoutFiles(raw []byte, add func([]byte)) {
	for {
		at := bytes.Index(raw, dataKey)
		if at < 0 {
			add(raw)
			return
		}
		at += len(dataKey)
		add(raw[:at])
		raw = bytes.TrimLeft(raw[at:], " \t\r\n:")
		if len(raw) == 0 || raw[0] != '"' {
			continue
		}
		end := bytes.IndexByte(raw[1:], '"')
		if end < 0 {
			return
		}
		raw = raw[1+end:]
	}
}
