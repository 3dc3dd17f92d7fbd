package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfEnvironmentVariable;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

final class NativeSettingsTest {
  private static final String POLICY = "OMP_WAIT_POLICY";

  /** Not Java's copy of the environment counts, but what libraries read. */
  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  @DisabledIfEnvironmentVariable(named = POLICY, matches = ".*")
  void openMpIsToldToSleep() throws Throwable {
    NativeSettings.make();

    assertThat(environment(POLICY)).isEqualTo("passive");
  }

  @SuppressWarnings("restricted")
  private static String environment(String name) throws Throwable {
    Linker linker = Linker.nativeLinker();
    var getenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("getenv"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      var value = (MemorySegment) getenv.invokeExact(arena.allocateFrom(name));
      assertThat(value).isNotEqualTo(MemorySegment.NULL);
      return value.reinterpret(100).getString(0);
    }
  }
}
