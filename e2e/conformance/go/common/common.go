// Package common is what the Go drivers share: the questions, and how cells are run.
package common

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// Cell is one conversation to be had, as it stands on standard input, one JSON a line.
type Cell struct {
	ID       string `json:"id"`
	SDK      string `json:"sdk"`
	API      string `json:"api"`
	Scenario string `json:"scenario"`
	Mark     string `json:"mark"`
	Stream   bool   `json:"stream"`
	Base     string `json:"base"`
	Key      string `json:"key,omitempty"`
	Model    string `json:"model"`
	Seen     *Seen  `json:"seen,omitempty"`
}

// Tools reports whether the model may call tools. It thinks before it calls one: only then must upstreams be told again what
// they thought.
func (c *Cell) Tools() bool {
	return c.Scenario == "tools" || c.Scenario == "parallel_tools" || c.Scenario == "reasoning"
}

// Question is what the cell asks. Its mark tells the cells apart, wherever it is heard.
func (c *Cell) Question() string { return questions[c.Scenario] + " " + c.Mark }

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
	// Unknown is what became of the question for a model that there is not.
	Unknown *Error `json:"unknown,omitempty"`
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

var questions = map[string]string{
	"text": "Say hello.", "tools": "Please use get_weather for Paris.",
	"parallel_tools": "Please use get_weather and get_time for Rome.", "structured": "Describe a person named Ada who is 36.",
	"reasoning": "Think, and then use get_weather for Oslo.", "vision": "What is in this picture?", "error": "Say hello.", "cancel": "Count slowly.",
}

// Picture is a red picture of one pixel, as PNG in base64.
const Picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

// Parameters of a tool.
var Parameters = map[string]any{
	"type":       "object",
	"properties": map[string]any{"city": map[string]any{"type": "string", "description": "The name of the city."}},
	"required":   []string{"city"}, "additionalProperties": false,
}

// ToolNames are the tools, and About what they do.
var ToolNames = []string{"get_weather", "get_time"}

// About says what a tool does.
func About(name string) string {
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

// Patience is how long a buffered call runs before it is cancelled: enough to have reached the upstream.
const Patience = 2500 * time.Millisecond

// atOnce is how many conversations a driver has at a time: most of their time is waiting.
const atOnce = 4

type (
	// Ask makes one conversation through an SDK.
	Ask func(context.Context, *Cell) (*Seen, error)
	// Describe tells what a developer goes by where it fails.
	Describe func(error) *Error
)

// Run makes every cell.
func Run(ask Ask, describe Describe) {
	cells := make(chan *Cell)
	var all sync.WaitGroup
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	for range atOnce {
		all.Go(func() {
			for c := range cells {
				c.have(ask, describe)
				mu.Lock()
				if err := out.Encode(c); err != nil {
					os.Exit(1)
				}
				mu.Unlock()
			}
		})
	}
	read(cells)
	all.Wait()
}

func read(cells chan<- *Cell) {
	defer close(cells)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		c := &Cell{}
		if err := json.Unmarshal(in.Bytes(), c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		cells <- c
	}
}

func (c *Cell) have(ask Ask, describe Describe) {
	c.Seen = make1(c, ask, describe)
	if unknown := *c; c.Scenario == "error" {
		unknown.Model = "no-such-model"
		c.Seen.Unknown = make1(&unknown, ask, describe).Error
	}
	c.Key = ""
}

func make1(c *Cell, ask Ask, describe Describe) (seen *Seen) {
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
