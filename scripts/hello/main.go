// Command hello is the yardstick of start-up: the least that a Go program can do.
package main

import "fmt"

func main() { fmt.Println("hello") } //nolint:forbidigo // that is all it does
