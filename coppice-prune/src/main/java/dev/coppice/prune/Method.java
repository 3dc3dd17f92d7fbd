package dev.coppice.prune;

/** The methods of removing connections by the names that they have in the field. */
public enum Method {
  /** Trains densely, cuts the smallest weights of the network all at once, trains on. */
  ONE_SHOT(Kind.PARTS, 0.55),
  /** Gradual magnitude pruning; every layer has a share of its own, {@link Scope.Budget#ERK}. */
  MAGNITUDE(Kind.PARTS, 0.55),
  /** Gradual magnitude pruning over the whole network (Zhu and Gupta, arXiv 1710.01878). */
  GMP(Kind.PARTS, 0.55),
  /** Gradual magnitude pruning by the same share of every layer. */
  LAYERWISE(Kind.PARTS, 0.55),
  /** {@link #MAGNITUDE} by the name of its scope. */
  ERK(Kind.PARTS, 0.55),
  /** Gradual pruning by {@link Saliency#LAMP} (arXiv 2010.07611). */
  LAMP(Kind.PARTS, 0.55),
  /** Iterative magnitude pruning with late rewinding (arXiv 2207.01382). */
  LOTTERY(Kind.ROUNDS, 0),
  /** A mask found early in dense training, then training from the start (arXiv 1909.11957). */
  EARLY_BIRD(Kind.ROUNDS, 0),
  /** A mask by the sensitivity of the loss at initialisation (arXiv 1810.02340). */
  SNIP(Kind.PARTS, 0),
  /**
   * Sparse from the start; the smallest weights make room for random ones (Mocanu et al., 2018).
   */
  SET(Kind.PARTS, 0.75),
  /** Sparse from the start; the smallest make room for the largest gradients (arXiv 1911.11134). */
  RIGL(Kind.PARTS, 0.75),
  /** Gradual magnitude pruning with an exchange in every layer (arXiv 2106.10404). */
  GRANET(Kind.PARTS, 0.5),
  /** Sparse training with ever fewer connections (arXiv 2304.12214, in our reading). */
  NDSNN(Kind.PARTS, 0.75),
  /** Gradient rewiring (arXiv 2105.04916). */
  GRADR(Kind.HIDDEN, 0),
  /**
   * Learned gates of weights, and of neurons where {@link NeuronGates} are, with a penalty on
   * operations (Shi et al., ICLR 2024).
   */
  UPR(Kind.HIDDEN, 0),
  /** State transition of dendritic spines (Chen et al., ICML 2022). */
  STDS(Kind.HIDDEN, 0),
  /** A random mask from the start, the control. */
  RANDOM(Kind.PARTS, 0),
  /** Gradual magnitude pruning; regrowth by chance. */
  RANDOM_REGROWTH(Kind.PARTS, 0.55),
  /** Gradual magnitude pruning; regrowth by the gradient. */
  GRADIENT(Kind.PARTS, 0.55),
  /** Gradual magnitude pruning; regrowth by criticality (arXiv 2311.16141). */
  CRITICALITY(Kind.PARTS, 0.55),
  /** Regrowth by criticality times the firing rate of the presynaptic channel. */
  CRITICALITY_PRESYNAPTIC(Kind.PARTS, 0.55),
  /** Regrowth by criticality; what has come back stays for one iteration at least. */
  CRITICALITY_GRACE(Kind.PARTS, 0.55),
  /** Regrowth by criticality times magnitude, of the connections that are being removed. */
  CRITICALITY_MAGNITUDE(Kind.PARTS, 0.55),
  /** RigL with the gradient times criticality. */
  CRITICALITY_GRADIENT(Kind.PARTS, 0.75),
  /** Global magnitude pruning; every layer regrows by criticality what it gave up for that. */
  CRITICALITY_BALANCED(Kind.PARTS, 0.55),
  /**
   * {@link #LAMP} in smaller steps; a few connections come back by criticality, the mean over a
   * map, times the firing rate of the presynaptic channel. LAMP says how many a layer keeps,
   * criticality which neurons get another chance.
   */
  CRITICALITY_LAMP(Kind.PARTS, 0.55);

  /** How a method is built. */
  public enum Kind {
    /** From the parts of {@link PruningSettings}. */
    PARTS,
    /** By training several times. */
    ROUNDS,
    /** By hidden parameters behind the weights; its sparsity emerges from a strength. */
    HIDDEN
  }

  private final Kind kind;
  private final double window;

  Method(Kind kind, double window) {
    this.kind = kind;
    this.window = window;
  }

  /** Returns how the method is built. */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns the part of the run in which the sparsity rises or connections are exchanged; 0 if all
   * is decided at the first step.
   */
  public double window() {
    return window;
  }

  /** Returns how many times connections are cut or exchanged in that part. */
  public int iterations() {
    return switch (this) {
      case ONE_SHOT -> 1;
      case CRITICALITY_LAMP -> 30;
      default -> PruningSettings.Builder.ITERATIONS;
    };
  }

  /**
   * Returns settings with the parts of the method, for those that are made of parts. Times and the
   * sparsity are left to the caller, see {@link Timetable}.
   *
   * @param criticality how criticality is measured, where it is
   */
  public PruningSettings.Builder parts(Regrowth.Criticality criticality) {
    PruningSettings.Builder builder = PruningSettings.builder();
    return switch (this) {
      case LOTTERY, EARLY_BIRD, GRADR, UPR, STDS, MAGNITUDE, ERK ->
          builder.regrowth(new Regrowth.None());
      case ONE_SHOT, GMP -> builder.regrowth(new Regrowth.None()).scope(Scope.Budget.GLOBAL);
      case LAYERWISE -> builder.regrowth(new Regrowth.None()).scope(Scope.Budget.UNIFORM);
      case LAMP ->
          builder.regrowth(new Regrowth.None()).scope(Scope.Budget.GLOBAL).saliency(Saliency.LAMP);
      case SNIP ->
          builder
              .regrowth(new Regrowth.None())
              .scope(Scope.Budget.GLOBAL)
              .saliency(Saliency.SENSITIVITY)
              .instead(true);
      case RANDOM -> builder.regrowth(new Regrowth.None()).initialSparsity(1);
      case SET -> sparse(builder).regrowth(new Regrowth.Random()).decay(Renewal.Decay.CONSTANT);
      case RIGL -> sparse(builder).regrowth(new Regrowth.Gradient()).instead(true);
      case CRITICALITY_GRADIENT ->
          sparse(builder).regrowth(new Regrowth.CriticalGradient(criticality)).instead(true);
      case GRANET ->
          exchanging(builder)
              .scope(Scope.Budget.GLOBAL)
              .withinLayers(true)
              .turnover(Renewal.Turnover.OF_KEPT_UPWARDS)
              .ratio(0.5)
              .lastRatio(0.005);
      case NDSNN ->
          exchanging(builder)
              .initialSparsity(0.5)
              .turnover(Renewal.Turnover.OF_ALIVE)
              .ratio(0.5)
              .lastRatio(0.05);
      case RANDOM_REGROWTH -> builder.regrowth(new Regrowth.Random());
      case GRADIENT -> builder.regrowth(new Regrowth.Gradient());
      case CRITICALITY -> builder.regrowth(criticality);
      case CRITICALITY_PRESYNAPTIC -> builder.regrowth(criticality.withPresynaptic());
      case CRITICALITY_GRACE -> builder.regrowth(criticality).grace(1);
      case CRITICALITY_MAGNITUDE ->
          builder.regrowth(
              new Regrowth.Criticality(
                  criticality.probe(),
                  criticality.presynaptic(),
                  Regrowth.Criticality.Choice.WEIGHTED));
      case CRITICALITY_BALANCED ->
          builder.regrowth(criticality).scope(Scope.Budget.GLOBAL).withinLayers(true);
      case CRITICALITY_LAMP ->
          builder
              .regrowth(criticality.averaged().withPresynaptic())
              .scope(Scope.Budget.GLOBAL)
              .saliency(Saliency.LAMP)
              .ratio(0.1);
    };
  }

  /** As sparse from the start as at the end. */
  private static PruningSettings.Builder sparse(PruningSettings.Builder builder) {
    return exchanging(builder).initialSparsity(1).ratio(0.3);
  }

  /** What is dropped and grown at once keeps its value; classifiers take part. */
  private static PruningSettings.Builder exchanging(PruningSettings.Builder builder) {
    return builder
        .regrowth(new Regrowth.Gradient())
        .classifiers(true)
        .regrownValue(Renewal.RegrownValue.KEPT);
  }
}
