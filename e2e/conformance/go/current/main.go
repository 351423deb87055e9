// Command current has the cells on its standard input made by the current majors of the official Go SDKs.
package main

import (
	"fmt"
	"os"

	"github.com/gantry-ai/gantry/e2e/conformance/common"
)

func main() {
	drivers := map[string]struct {
		ask      common.Ask
		describe common.Describe
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
