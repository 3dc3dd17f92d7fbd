package dev.coppice.kernels;

import java.lang.reflect.InvocationTargetException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the kernels once. The vector kernels are named only as a string, so that nothing touches
 * the module of the Vector API where it is absent.
 */
final class KernelsChoice {
  static final String PROPERTY = "coppice.kernels";

  private static final String MODULE = "jdk.incubator.vector";
  private static final String VECTOR_KERNELS = "dev.coppice.kernels.VectorKernels";

  private KernelsChoice() {}

  static Kernels best() {
    Outcome outcome = Holder.OUTCOME;
    if (outcome.kernels() == null) {
      throw new IllegalStateException(outcome.problem());
    }
    return outcome.kernels();
  }

  private static final class Holder {
    static final Outcome OUTCOME = log(choose(System.getProperty(PROPERTY, "auto")));
  }

  /**
   * The kernels, or why there are none.
   *
   * @param problem what stood in the way of the vector kernels, or the empty string
   */
  record Outcome(@Nullable Kernels kernels, String problem) {}

  static Outcome choose(String wanted) {
    return switch (wanted.toLowerCase(Locale.ROOT)) {
      case "auto" -> {
        String obstacle = obstacle();
        Outcome vector = obstacle.isEmpty() ? vector() : new Outcome(null, obstacle);
        yield vector.kernels() != null
            ? vector
            : new Outcome(new ScalarKernels(vector.problem()), vector.problem());
      }
      case "vector" -> vector();
      case "scalar" -> new Outcome(Kernels.scalar(), "");
      default ->
          new Outcome(null, PROPERTY + " must be auto, scalar or vector, not \"" + wanted + "\"");
    };
  }

  /** Returns why vector kernels would be slower than plain ones here, or the empty string. */
  private static String obstacle() {
    String vm = System.getProperty("java.vm.name", "");
    String info = System.getProperty("java.vm.info", "");
    if (!vm.contains("Server VM")) {
      return "the virtual machine is " + vm + ", not HotSpot";
    }
    // With the tiers limited below C2, HotSpot calls its mode "mixed mode, emulated-client".
    if (info.contains("interpreted mode") || info.contains("emulated-client")) {
      return "the C2 compiler is off: " + info;
    }
    return "";
  }

  private static Outcome vector() {
    var module = ModuleLayer.boot().findModule(MODULE);
    if (module.isEmpty()) {
      return new Outcome(null, "module " + MODULE + " is not present; add --add-modules " + MODULE);
    }
    if (!KernelsChoice.class.getModule().canRead(module.get())) {
      return new Outcome(
          null,
          "module " + MODULE + " is not readable; add --add-reads dev.coppice.kernels=" + MODULE);
    }
    try {
      var constructor = Class.forName(VECTOR_KERNELS).getDeclaredConstructor();
      return new Outcome((Kernels) constructor.newInstance(), "");
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof UnsupportedOperationException unsupported) {
        return new Outcome(null, String.valueOf(unsupported.getMessage()));
      }
      throw new IllegalStateException("the vector kernels failed to start", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("the vector kernels cannot be loaded", e);
    }
  }

  private static Outcome log(Outcome outcome) {
    Kernels kernels = outcome.kernels();
    if (kernels != null) {
      var level =
          outcome.problem().isEmpty() ? System.Logger.Level.DEBUG : System.Logger.Level.INFO;
      System.getLogger("dev.coppice.kernels").log(level, "kernels: {0}", kernels.describe());
    }
    return outcome;
  }
}
