package dev.pointsman.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The examples, each in a process of its own. */
@Timeout(30)
class ExamplesTest {
  @TempDir Path directory;

  private record Result(int exitCode, String output) {}

  private Result run(String example, String target) throws IOException, InterruptedException {
    Path output = directory.resolve("output.txt");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            example);
    builder.environment().put("POINTSMAN_TARGET", target);
    int exitCode =
        builder.redirectErrorStream(true).redirectOutput(output.toFile()).start().waitFor();
    return new Result(exitCode, Files.readString(output));
  }

  @Test
  void aQueryIsRouted() throws Exception {
    try (ScriptedRouter router = new ScriptedRouter()) {
      Result result = run("RouteQuery", router.address());
      assertEquals(0, result.exitCode, result.output);
      assertTrue(result.output.startsWith("scripted, with confidence"), result.output);
    }
  }

  @Test
  void aModelIsHadWithoutARouter() throws Exception {
    Result result = run("RouteOrDefault", ScriptedRouter.deadAddress());
    assertEquals(0, result.exitCode, result.output);
    assertTrue(result.output.startsWith("the caller's default ranking"), result.output);
    assertTrue(result.output.contains("\nmy-usual-model\n"), result.output);
  }
}
