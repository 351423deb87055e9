// Command previous has the cells on its standard input made by the previous majors of the official Go SDKs.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gantry-ai/gantry/e2e/conformance/common"
)

func main() {
	drivers := map[string]struct {
		ask      func(context.Context, *common.Cell) (*common.Seen, error)
		describe func(error) *common.Error
	}{
		"openai":    {askOpenAI, describeOpenAI},
		"anthropic": {askAnthropic, describeAnthropic},
		"genai":     {askGenAI, describeGenAI},
	}
	driver, ok := drivers[os.Args[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "no such SDK")
		os.Exit(2)
	}
	common.Run(driver.ask, driver.describe)
}
