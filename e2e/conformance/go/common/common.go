// Package common is what the Go drivers share: the questions, and how cells are run.
package common

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Cell is one conversation to be had, as it stands on standard input, one JSON a line.
type Cell struct {
	ID       string `json:"id"`
	SDK      string `json:"sdk"`
	API      string `json:"api"`
	Scenario string `json:"scenario"`
	Stream   bool   `json:"stream"`
	Base     string `json:"base"`
	Key      string `json:"key,omitempty"`
	Model    string `json:"model"`
	Seen     *Seen  `json:"seen,omitempty"`
}

// Tools reports whether the conversation is about tools.
func (c *Cell) Tools() bool { return c.Scenario == "tools" || c.Scenario == "parallel_tools" }

// Seen is what a developer sees of a conversation.
type Seen struct {
	Text      string `json:"text"`
	Reasoning string `json:"reasoning"`
	Calls     []Call `json:"calls"`
	Finish    string `json:"finish"`
	Pieces    int    `json:"pieces"`
	Input     int64  `json:"input"`
	Output    int64  `json:"output"`
	Thought   int64  `json:"thought"`
	After     string `json:"after"`
	Aborted   bool   `json:"aborted"`
	Error     *Error `json:"error,omitempty"`
}

// Call is a call of a tool.
type Call struct {
	ID   string          `json:"id"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

// Error is what a developer goes by.
type Error struct {
	Class   string `json:"class"`
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Questions by scenario.
var Questions = map[string]string{
	"text": "Say hello.", "tools": "Please use get_weather for Paris.",
	"parallel_tools": "Please use get_weather and get_time for Rome.", "structured": "Describe a person named Ada who is 36.",
	"reasoning": "Think, and then say hello.", "vision": "What is in this picture?", "error": "Say hello.", "cancel": "Count slowly.",
}

// Picture is a red picture of one pixel, as PNG in base64.
const Picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

// Parameters of a tool.
var Parameters = map[string]any{
	"type":       "object",
	"properties": map[string]any{"city": map[string]any{"type": "string", "description": "The name of the city."}},
	"required":   []string{"city"}, "additionalProperties": false,
}

// ToolNames are the tools, and Describe what they do.
var ToolNames = []string{"get_weather", "get_time"}

// Describe says what a tool does.
func Describe(name string) string {
	return map[string]string{"get_weather": "The weather in a city.", "get_time": "The time in a city."}[name]
}

// Person is the schema of structured answers.
var Person = map[string]any{
	"type":       "object",
	"properties": map[string]any{"name": map[string]any{"type": "string"}, "age": map[string]any{"type": "integer"}},
	"required":   []string{"name", "age"}, "additionalProperties": false,
}

// Report is what a tool returns.
func Report(name string) string { return name + " says that it is sunny at noon." }

// Patience is how long a buffered call runs before it is cancelled.
const Patience = 300 * time.Millisecond

// Run makes every cell.
func Run(ask func(context.Context, *Cell) (*Seen, error), describe func(error) *Error) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var c Cell
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		c.Seen = make1(&c, ask, describe)
		c.Key = ""
		if err := out.Encode(&c); err != nil {
			os.Exit(1)
		}
	}
}

func make1(c *Cell, ask func(context.Context, *Cell) (*Seen, error), describe func(error) *Error) (seen *Seen) {
	defer func() {
		if p := recover(); p != nil {
			seen = &Seen{Error: &Error{Class: "panic", Message: fmt.Sprint(p)}}
		}
	}()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	seen, err := ask(ctx, c)
	if err != nil {
		e := describe(err)
		if len(e.Message) > 300 {
			e.Message = e.Message[:300]
		}
		return &Seen{Error: e}
	}
	return seen
}
