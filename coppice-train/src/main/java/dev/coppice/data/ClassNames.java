package dev.coppice.data;

import java.util.List;
import java.util.stream.IntStream;

/** The published names of the classes, in the order of their labels. */
final class ClassNames {
  static final List<String> DIGITS = IntStream.range(0, 10).mapToObj(Integer::toString).toList();

  static final List<String> FASHION_MNIST =
      List.of(
          "T-shirt/top",
          "Trouser",
          "Pullover",
          "Dress",
          "Coat",
          "Sandal",
          "Shirt",
          "Sneaker",
          "Bag",
          "Ankle boot");

  static final List<String> CIFAR_10 =
      words("airplane automobile bird cat deer dog frog horse ship truck");

  static final List<String> CIFAR_100 =
      words(
          """
          apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle \
          bowl boy bridge bus butterfly camel can castle caterpillar cattle \
          chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur \
          dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard \
          lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain \
          mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree \
          plain plate poppy porcupine possum rabbit raccoon ray road rocket \
          rose sea seal shark shrew skunk skyscraper snail snake spider \
          squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor \
          train trout tulip turtle wardrobe whale willow_tree wolf woman worm""");

  private ClassNames() {}

  private static List<String> words(String text) {
    return List.of(text.split(" "));
  }
}
