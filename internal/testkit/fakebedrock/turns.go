package fakebedrock

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
)

var toolID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// checkTurns checks the turns, and how they fit together.
func checkTurns(q *converseRequest) *fault {
	speaks := false
	for i, m := range q.Messages {
		if want := [...]string{"user", "assistant"}[i%2]; m.Role != want {
			return invalid("A conversation must alternate between user and assistant roles. Make sure the conversation alternates.")
		}
		t, f := readTurn(m.Content)
		if f != nil {
			return f
		}
		slices.Sort(t.answered)
		slices.Sort(q.open)
		speaks = speaks || len(t.asked)+len(t.answered) > 0
		if strings.Join(t.answered, ",") != strings.Join(q.open, ",") && i > 0 {
			return invalid("Expected toolResult blocks at messages for the following Ids: " + strings.Join(q.open, ", "))
		}
		if after := len(q.Messages) - 2; q.thinks() && i == after && len(t.asked) > 0 && !t.thought {
			return invalid("The model returned the following errors: messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.")
		}
		q.open, q.said, q.results = t.asked, t.said, len(t.answered) > 0
	}
	if speaks && q.ToolConfig == nil {
		return invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
	}
	return nil
}

// turn is what a message consists of.
type turn struct {
	asked, answered []string // ids
	said            string
	thought         bool // it begins with reasoning
}

func readTurn(content []object) (t turn, f *fault) {
	if len(content) == 0 {
		return t, invalid("The content field in the Message object is empty. Add a ContentBlock object to the content field and try again.")
	}
	for i, b := range content {
		if len(b) != 1 {
			return t, invalid("A ContentBlock has exactly one member.")
		}
		for kind, v := range b {
			if text, ok := v.(string); ok && kind == "text" {
				t.said += text
				if strings.TrimSpace(text) == "" {
					return t, invalid("The text field in the ContentBlock object is blank. Add text to the text field, and try again.")
				}
				continue
			}
			block, _ := v.(object)
			if f := t.block(kind, block, i == 0); f != nil {
				return t, f
			}
		}
	}
	return t, nil
}

func (t *turn) block(kind string, block object, first bool) *fault {
	switch kind {
	case "toolUse":
		if input, isObject := block["input"].(object); !isObject || input == nil {
			return invalid("The format of the value at toolUse.input is invalid. Provide a json object for the field and try again.")
		}
		return named(block, &t.asked)
	case "toolResult":
		if list, isList := block["content"].([]any); !isList || len(list) == 0 {
			return invalid("The value at toolResult.content is empty.")
		}
		return named(block, &t.answered)
	case "image":
		return checkImage(block)
	case "reasoningContent":
		t.thought = t.thought || first
		return checkReasoning(block)
	case "document":
		return checkDocument(block)
	case "video", "cachePoint", "guardContent":
		return nil
	}
	return invalid("The ContentBlock " + kind + " is not known.")
}

func named(block object, ids *[]string) *fault {
	id, _ := block["toolUseId"].(string)
	if !toolID.MatchString(id) {
		return invalid("The value at toolUseId must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
	}
	*ids = append(*ids, id)
	return nil
}

func checkImage(block object) *fault {
	format, _ := block["format"].(string)
	source, _ := block["source"].(object)
	text, isData := source["bytes"].(string)
	if !slices.Contains([]string{"png", "jpeg", "gif", "webp"}, format) {
		return invalid("The value at image.format must be one of the following: png, jpeg, gif, webp.")
	}
	if !isData {
		return nil // it lies in S3
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || http.DetectContentType(data) != "image/"+format {
		return invalid("The provided image does not match the specified image format.")
	}
	return nil
}

var documentName = regexp.MustCompile(`^[a-zA-Z0-9()\[\]-]+( [a-zA-Z0-9()\[\]-]+)*$`)

func checkDocument(block object) *fault {
	name, _ := block["name"].(string)
	format, _ := block["format"].(string)
	switch {
	case !documentName.MatchString(name) || len(name) > 200:
		return invalid("The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.")
	case !slices.Contains([]string{"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"}, format):
		return invalid("The value at document.format is not known.")
	case block["source"] == nil:
		return invalid("The document has no source.")
	}
	return nil
}

// checkReasoning takes back what was sealed, as it was.
func checkReasoning(block object) *fault {
	if block["redactedContent"] != nil {
		return nil
	}
	thought, _ := block["reasoningText"].(object)
	text, _ := thought["text"].(string)
	if thought["signature"] != fakeanthropic.Signature(text) {
		return invalid("The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block")
	}
	return nil
}
