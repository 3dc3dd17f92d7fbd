package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class TrainingSettingsTest {
  @Test
  void valuesOutOfTheirRangeAreRefused() {
    List<Consumer<TrainingSettings.Builder>> mistakes =
        List.of(
            b -> b.timeSteps(0),
            b -> b.timeSteps(10_001),
            b -> b.batchSize(0),
            b -> b.epochs(-1),
            b -> b.learningRate(Double.NaN),
            b -> b.learningRate(-1),
            b -> b.learningRate(Double.POSITIVE_INFINITY),
            b -> b.warmUpEpochs(25),
            b -> b.warmUpEpochs(Double.NaN),
            b -> b.labelSmoothing(1),
            b -> b.labelSmoothing(Float.NaN),
            b -> b.clipNorm(-1),
            b -> b.clipNorm(Float.NaN),
            b -> b.scaleL1(-1e-4f),
            b -> b.scaleL1(Float.POSITIVE_INFINITY),
            b -> b.evaluateEvery(0));
    for (Consumer<TrainingSettings.Builder> mistake : mistakes) {
      TrainingSettings.Builder builder = TrainingSettings.builder();
      mistake.accept(builder);
      assertThatIllegalArgumentException().isThrownBy(builder::build);
    }
  }

  @Test
  void aBuilderStartsFromTheSettingsGiven() {
    TrainingSettings settings =
        TrainingSettings.builder()
            .timeSteps(7)
            .clipNorm(2)
            .scaleL1(1e-4f)
            .evaluateEvery(3)
            .seed(9)
            .build();
    assertThat(settings.toBuilder().build()).isEqualTo(settings);
    assertThat(settings.stepsPerEpoch(65)).isEqualTo(3);
  }
}
