package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The update rules against the formulas in double precision, one weight at a time. */
class OptimizerTest {
  private static final float[] START = {1, -2, 0.5f, 0};
  private static final float[][] GRADIENTS = {
    {0.3f, -0.1f, 2, 0}, {-0.2f, 0.4f, 1, 1e-3f}, {0.5f, 0.5f, -3, 0}
  };
  private static final double[] RATES = {0.1, 0.05, 0.2};

  /** One weight's update; what it remembers is in its fields. */
  private interface Rule {
    double update(double weight, double gradient, double rate, int step);
  }

  private interface RuleMaker {
    Rule make();
  }

  private static void check(Optimizer optimizer, RuleMaker formula) {
    List<Rule> rules = new ArrayList<>();
    double[] expected = new double[START.length];
    for (int i = 0; i < START.length; i++) {
      rules.add(formula.make());
      expected[i] = START[i];
    }
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      NDArray values = manager.create(START);
      List<NDArray> state = new ArrayList<>();
      for (int i = 0; i < optimizer.stateSize(); i++) {
        state.add(manager.zeros(new Shape(START.length)));
      }
      for (int step = 1; step <= GRADIENTS.length; step++) {
        float[] gradient = GRADIENTS[step - 1];
        optimizer.update(values, manager.create(gradient), state, RATES[step - 1], step);
        float[] actual = values.toFloatArray();
        for (int i = 0; i < START.length; i++) {
          expected[i] = rules.get(i).update(expected[i], gradient[i], RATES[step - 1], step);
          assertThat((double) actual[i])
              .as("%s, step %d, weight %d", optimizer, step, i)
              .isCloseTo(expected[i], within(2e-6));
        }
      }
    }
  }

  private static Rule sgd(double momentum, boolean nesterov, double decay) {
    return new Rule() {
      private double velocity;

      @Override
      public double update(double weight, double gradient, double rate, int step) {
        double g = gradient + decay * weight;
        velocity = momentum * velocity + g;
        return weight - rate * (nesterov ? g + momentum * velocity : velocity);
      }
    };
  }

  private static Rule adam(double beta1, double beta2, double epsilon, double l2, double decay) {
    return new Rule() {
      private double first;
      private double second;

      @Override
      public double update(double weight, double gradient, double rate, int step) {
        double g = gradient + l2 * weight;
        first = beta1 * first + (1 - beta1) * g;
        second = beta2 * second + (1 - beta2) * g * g;
        double m = first / (1 - Math.pow(beta1, step));
        double v = second / (1 - Math.pow(beta2, step));
        return weight - rate * decay * weight - rate * m / (Math.sqrt(v) + epsilon);
      }
    };
  }

  @Test
  void stochasticGradientDescent() {
    check(new Optimizer.Sgd(0, false, 0), () -> sgd(0, false, 0));
  }

  @Test
  void momentumAndDecay() {
    check(new Optimizer.Sgd(0.9f, false, 0.01f), () -> sgd(0.9, false, 0.01));
  }

  @Test
  void nesterov() {
    check(new Optimizer.Sgd(0.9f, true, 0.01f), () -> sgd(0.9, true, 0.01));
  }

  @Test
  void adamWithDecayInTheGradient() {
    check(new Optimizer.Adam(0.9f, 0.99f, 1e-3f, 0.01f), () -> adam(0.9, 0.99, 1e-3, 0.01, 0));
  }

  @Test
  void adamWithDecayOfTheWeights() {
    check(new Optimizer.AdamW(0.8f, 0.95f, 1e-3f, 0.05f), () -> adam(0.8, 0.95, 1e-3, 0, 0.05));
  }
}
